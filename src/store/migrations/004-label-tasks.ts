/** Label tasks and drafts of labels; who works on a task is in its queue. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { StoreDialect } from '../database.ts';

export function createLabelTasks(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      // Progress is counted from these indexes alone.
      for (const [name, columns] of [
        ['work_item_owner', ['queue', 'owner', 'group_key', 'status']],
        ['work_item_group', ['queue', 'group_key', 'position', 'status']],
      ] as const) {
        await db.schema.dropIndex(name).execute();
        await db.schema
          .createIndex(name)
          .on('work_item')
          .columns([...columns])
          .execute();
      }
      await db.schema
        .createTable('label_task')
        .addColumn('position', dialect === 'sqlite' ? 'integer' : 'serial', (column) =>
          dialect === 'sqlite' ? column.primaryKey().autoIncrement() : column.primaryKey(),
        )
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('project', 'text', (column) => column.notNull())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('label_task_project')
        .on('label_task')
        .columns(['project', 'position'])
        .execute();
      await db.schema
        .createTable('label_draft')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('saved_at', 'bigint', (column) => column.notNull())
        .execute();
      // As `work_item_next`, for each audience: whoever may not have the first thousands does not read past them.
      await db.schema
        .createIndex('work_item_audience')
        .on('work_item')
        .columns(['queue', 'status', 'audience'])
        .expression(sql`priority desc`)
        .column('position')
        .execute();
    },
  };
}
