/** Queues of work with leases. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { StoreDialect } from '../database.ts';

export function createWorkItems(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('work_item')
        .addColumn('position', dialect === 'sqlite' ? 'integer' : 'serial', (column) =>
          dialect === 'sqlite' ? column.primaryKey().autoIncrement() : column.primaryKey(),
        )
        .addColumn('queue', 'text', (column) => column.notNull())
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('payload', 'text', (column) => column.notNull())
        .addColumn('priority', 'double precision', (column) => column.notNull())
        .addColumn('group_key', 'text')
        .addColumn('audience', 'text')
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('available_at', 'bigint', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('max_attempts', 'integer')
        .addColumn('owner', 'text')
        .addColumn('token', 'text')
        .addColumn('lease_expires_at', 'bigint')
        .addColumn('result', 'text')
        .addColumn('error', 'text')
        .addUniqueConstraint('work_item_queue_id', ['queue', 'id'])
        .execute();
      // The order in which items are claimed.
      await db.schema
        .createIndex('work_item_next')
        .on('work_item')
        .columns(['queue', 'status'])
        .expression(sql`priority desc`)
        .column('position')
        .execute();
      // What somebody has had already, and the copies of a task.
      await db.schema
        .createIndex('work_item_owner')
        .on('work_item')
        .columns(['queue', 'owner', 'group_key'])
        .execute();
      await db.schema
        .createIndex('work_item_group')
        .on('work_item')
        .columns(['queue', 'group_key', 'position'])
        .execute();
    },
  };
}
