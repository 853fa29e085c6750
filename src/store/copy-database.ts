/** Moves everything in a store to another database, such as from a file to a server. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { TenetError } from '../base/index.ts';
import type { Database, StoreDialect } from './database.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/**
 * Every table with the column that its rows are read in the order of; what is referred to comes first. A test holds
 * this against the migrations.
 */
export const tableKeys: { readonly [table in keyof Tables]: keyof Tables[table] & string } = {
  ledger_item: 'hash',
  ledger_event: 'seq',
  model_call: 'key',
  work_item: 'position',
  label_task: 'position',
  label_draft: 'id',
  person: 'id',
  person_session: 'id',
  person_login: 'id',
  login_verification: 'id',
  invitation: 'id',
  api_token: 'id',
  setting: 'name',
};

const rowsPerPage = 500;

/** {@link copyStore} */
export async function copyDatabase(from: Store, to: Store): Promise<Readonly<Record<keyof Tables, number>>> {
  if (from.url === to.url)
    throw new TenetError('usage', `${to.url} is the store itself; copy it into another one.`);
  const counts = await snapshot(from.database, (source) =>
    to.database.write(async (target) => {
      const copied: [string, number][] = [];
      for (const [table, key] of Object.entries(tableKeys) as [keyof Tables, string][]) {
        await refuseRows(target, table, to.url);
        copied.push([table, await copyTable(source, target, table, key, to.dialect)]);
      }
      if (to.dialect === 'postgres') {
        for (const table of ['work_item', 'label_task'] as const) {
          await sql`
            select setval(pg_get_serial_sequence(${table}, 'position'), max(position)) from ${sql.table(table)}
            having max(position) is not null`.execute(target);
        }
      }
      return Object.fromEntries(copied) as Record<keyof Tables, number>;
    }),
  );
  const check = await to.ledger.verify([await from.ledger.head()]);
  if (check.ok) return counts;
  throw new TenetError(
    'store',
    `the ledger in ${to.url} is broken at event ${check.seq}: ${check.reason}. Check ${from.url}, which it was copied from.`,
  );
}

/** Reads a database as it is at one moment. */
function snapshot<T>(database: Database, read: (source: Transaction<Tables>) => Promise<T>): Promise<T> {
  if (database.dialect === 'sqlite') return database.write(read);
  return database.db.transaction().setIsolationLevel('repeatable read').execute(read);
}

async function copyTable(
  source: Kysely<Tables>,
  target: Kysely<Tables>,
  table: keyof Tables,
  key: string,
  dialect: StoreDialect,
): Promise<number> {
  let copied = 0;
  for (let after: unknown; ; ) {
    // All tables are read and written alike; the names stand for any of them.
    const rows = await source
      .selectFrom(table as 'ledger_item')
      .selectAll()
      .$if(after !== undefined, (query) => query.where(key as 'hash', '>', after as string))
      .orderBy(key as 'hash')
      .limit(rowsPerPage)
      .execute();
    if (rows.length > 0) {
      await target
        .insertInto(table as 'ledger_item')
        .values(dialect === 'sqlite' ? rows.map(forSqlite) : rows)
        .execute();
    }
    copied += rows.length;
    if (rows.length < rowsPerPage) return copied;
    after = rows.at(-1)![key as 'hash'];
  }
}

/** SQLite has no dates and no truth values: they are ISO texts and numbers there. */
function forSqlite<T extends object>(row: T): T {
  const columns = Object.entries(row).map(([name, value]) => {
    if (value instanceof Date) return [name, value.toISOString()];
    return [name, typeof value === 'boolean' ? Number(value) : value];
  });
  return Object.fromEntries(columns) as T;
}

async function refuseRows(target: Kysely<Tables>, table: keyof Tables, url: string): Promise<void> {
  const row = await target.selectFrom(table).select(sql<number>`1`.as('one')).limit(1).executeTakeFirst();
  if (row === undefined) return;
  throw new TenetError(
    'store',
    `${url} is not empty (it has rows in ${table}); copy into a new file or database, because chains cannot be joined.`,
  );
}
