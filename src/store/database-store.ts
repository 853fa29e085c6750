/** Connects to a database and puts the parts of a store on it. */
import { existsSync } from 'node:fs';
import { Kysely } from 'kysely';
import { TenetError } from '../base/index.ts';
import { Database } from './database.ts';
import { DatabaseCallCache } from './database-call-cache.ts';
import { DatabaseWorkQueue } from './database-work-queue.ts';
import { DatabaseLedger, ledgerWithin } from './ledger/database-ledger.ts';
import { migrate, migrationTableName, tableNames } from './migrate.ts';
import { patiently } from './patience.ts';
import { createPostgresDialect } from './postgres/postgres-dialect.ts';
import { loadSqlite } from './sqlite/load-sqlite.ts';
import { createSqliteDialect, openSqliteFile } from './sqlite/sqlite-dialect.ts';
import type { OpenStoreOptions, Store } from './store.ts';
import { toStoreError } from './store-error.ts';
import { parseStoreUrl, redactUrl, type StoreAddress } from './store-url.ts';
import type { Tables } from './tables.ts';

/** {@link openStore} */
export async function openDatabaseStore(
  url: string,
  { mustExist = false }: OpenStoreOptions,
): Promise<Store> {
  const address = parseStoreUrl(url);
  if (mustExist && address.dialect === 'sqlite' && !existsSync(address.path)) {
    throw new TenetError(
      'store',
      `there is no ledger at ${address.path}: the file does not exist. Say where it is with --store or TENET_STORE.`,
    );
  }
  const database = await connect(address);
  try {
    await prepare(database, mustExist);
  } catch (error) {
    await database.db.destroy();
    throw toStoreError(error, database.url);
  }
  const ledger = new DatabaseLedger(database);
  const calls = new DatabaseCallCache(database);
  return {
    url: database.url,
    dialect: database.dialect,
    ledger,
    calls,
    database,
    queue: (name) => new DatabaseWorkQueue(database, name),
    write: (work) =>
      database.write((transaction) => {
        const within = database.within(transaction);
        return work({
          database: within,
          ledger: ledgerWithin(within, transaction),
          queue: (name) => new DatabaseWorkQueue(within, name),
        });
      }),
    close: async () => {
      await Promise.all([ledger.settled(), calls.settled()]);
      await database.db.destroy();
    },
  };
}

async function connect(address: StoreAddress): Promise<Database> {
  if (address.dialect === 'postgres') {
    const dialect = await createPostgresDialect(address.url);
    return new Database(new Kysely<Tables>({ dialect }), 'postgres', redactUrl(address.url));
  }
  const { path } = address;
  const Sqlite = await loadSqlite();
  const file = await patiently(path, () => openSqliteFile(path, Sqlite));
  return new Database(new Kysely<Tables>({ dialect: createSqliteDialect(file) }), 'sqlite', path);
}

async function prepare(database: Database, mustExist: boolean): Promise<void> {
  const tables = await tableNames(database);
  if (!tables.includes(migrationTableName)) {
    if (mustExist)
      throw new TenetError('store', `${database.url} holds no ledger: it has no tables of Tenet's.`);
    // A PostgreSQL database may well serve several programs; a file with other tables is a mistake.
    if (database.dialect === 'sqlite' && tables.length > 0) {
      const some = tables.slice(0, 3).join(', ');
      throw new TenetError(
        'store',
        `${database.url} is the database of another program (it has tables ${some}); give another file.`,
      );
    }
  }
  await migrate(database);
}
