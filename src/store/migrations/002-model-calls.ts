/** The cache of answers of language models. */
import type { Kysely, Migration } from 'kysely';

export function createModelCalls(): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('model_call')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('answer', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('cost_usd', 'double precision')
        .addColumn('input_tokens', 'bigint', (column) => column.notNull())
        .addColumn('output_tokens', 'bigint', (column) => column.notNull())
        .addColumn('latency_ms', 'double precision', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('model_call_model').on('model_call').column('model').execute();
    },
  };
}
