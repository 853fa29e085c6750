/** The cache of answers in a database. */
import { type Json, TenetError } from '../base/index.ts';
import type { CallCache, CallMeta, CallTotals } from './call-cache.ts';
import type { Database } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import type { ModelCallTable } from './tables.ts';

interface StoredCall {
  readonly key: string;
  readonly answer: string;
  readonly meta: CallMeta;
}

export class DatabaseCallCache implements CallCache {
  private readonly database: Database;
  private readonly commits: GroupCommit<StoredCall, Json>;

  constructor(database: Database) {
    this.database = database;
    this.commits = new GroupCommit(database, async (transaction, calls) => {
      await transaction
        .insertInto('model_call')
        .values(calls.map(toRow))
        .onConflict((conflict) => conflict.column('key').doNothing())
        .execute();
      const keys = calls.map(({ key }) => key);
      const rows = await transaction
        .selectFrom('model_call')
        .select(['key', 'answer'])
        .where('key', 'in', keys)
        .execute();
      const answers = new Map(rows.map(({ key, answer }) => [key, answer]));
      return keys.map((key) => ({ answer: JSON.parse(answers.get(key)!) as Json }));
    });
  }

  async get(key: string): Promise<Json | null> {
    const row = await this.database.read((db) =>
      db.selectFrom('model_call').select('answer').where('key', '=', key).executeTakeFirst(),
    );
    return row ? (JSON.parse(row.answer) as Json) : null;
  }

  async put(key: string, answer: Json, meta: CallMeta): Promise<Json> {
    if (answer === null)
      throw new TenetError(
        'usage',
        `the answer to store under ${key} is null, which says that there is none.`,
      );
    return this.commits.submit({ key, answer: JSON.stringify(answer), meta });
  }

  async totals(): Promise<CallTotals[]> {
    const rows = await this.database.read((db) =>
      db
        .selectFrom('model_call')
        .groupBy('model')
        .orderBy('model')
        .select(({ fn }) => [
          'model',
          fn.countAll<number>().as('calls'),
          fn.count<number>('cost_usd').as('priced'),
          fn.sum<number | null>('cost_usd').as('costUsd'),
          fn.sum<number>('input_tokens').as('inputTokens'),
          fn.sum<number>('output_tokens').as('outputTokens'),
          fn.sum<number>('latency_ms').as('latencyMs'),
        ])
        .execute(),
    );
    // PostgreSQL sums 64-bit integers as decimals, which its driver gives as texts.
    return rows.map(({ model, calls, priced, costUsd, inputTokens, outputTokens, latencyMs }) => ({
      model,
      calls,
      costUsd: Number(costUsd ?? 0),
      unpricedCalls: calls - priced,
      inputTokens: Number(inputTokens),
      outputTokens: Number(outputTokens),
      latencyMs: Number(latencyMs),
    }));
  }

  async clear(model?: string): Promise<number> {
    const { numDeletedRows } = await this.database.write((transaction) =>
      transaction
        .deleteFrom('model_call')
        .$if(model !== undefined, (query) => query.where('model', '=', model!))
        .executeTakeFirstOrThrow(),
    );
    return Number(numDeletedRows);
  }

  /** Waits for what is being stored. */
  settled(): Promise<void> {
    return this.commits.settled();
  }
}

function toRow({ key, answer, meta }: StoredCall): ModelCallTable {
  return {
    key,
    answer,
    model: meta.model,
    cost_usd: meta.costUsd,
    input_tokens: meta.inputTokens,
    output_tokens: meta.outputTokens,
    latency_ms: meta.latencyMs,
    created_at: Date.now(),
  };
}
