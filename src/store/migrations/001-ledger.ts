/** The ledger: items and events, both append-only. */
import type { Kysely, Migration } from 'kysely';
import type { StoreDialect } from '../database.ts';
import { refuseChanges, refuseInsertsOutOfOrder } from './append-only.ts';

export function createLedger(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('ledger_item')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('content', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('ledger_event')
        .addColumn('seq', 'integer', (column) => column.primaryKey())
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('recorded_at', 'bigint', (column) => column.notNull())
        .addColumn('previous_hash', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('judge_kind', 'text', (column) => column.notNull())
        .addColumn('judge_id', 'text', (column) => column.notNull())
        .addColumn('judge_group', 'text')
        .addColumn('project', 'text')
        .addColumn('task_id', 'text')
        .addColumn('run_id', 'text')
        .addColumn('item_hash', 'text', (column) => column.references('ledger_item.hash'))
        .addColumn('prompt_hash', 'text')
        .addColumn('constitution_hash', 'text')
        .addColumn('principles', 'text')
        // Unique: the corrections of an event form a line, never a fork.
        .addColumn('supersedes', 'text', (column) => column.unique().references('ledger_event.id'))
        .execute();
      for (const columns of indexes) {
        await db.schema
          .createIndex(`ledger_event_${columns[0]}`)
          .on('ledger_event')
          .columns([...columns, 'seq'])
          .execute();
      }
      await refuseChanges(db, dialect, 'ledger_item');
      await refuseChanges(db, dialect, 'ledger_event');
      await refuseInsertsOutOfOrder(db, dialect);
    },
  };
}

/** What events are looked up by; each index ends with the place, so that pages come in order. */
const indexes: readonly (readonly string[])[] = [
  ['task_id'],
  ['item_hash'],
  ['prompt_hash'],
  ['run_id'],
  ['project', 'kind'],
  ['judge_id'],
];
