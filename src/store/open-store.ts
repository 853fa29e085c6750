/** Opens the database that ledger, cache and queues live in. */
import { existsSync } from 'node:fs';
import { Kysely } from 'kysely';
import { TenetError } from '../base/index.ts';
import { type CallCache, DatabaseCallCache } from './call-cache.ts';
import { Database, type StoreDialect } from './database.ts';
import { DatabaseWorkQueue } from './database-work-queue.ts';
import { DatabaseLedger } from './ledger/database-ledger.ts';
import type { Ledger } from './ledger.ts';
import { migrate, migrationTableName, tableNames } from './migrate.ts';
import { patiently } from './patience.ts';
import { createPostgresDialect } from './postgres/postgres-dialect.ts';
import { loadSqlite } from './sqlite/load-sqlite.ts';
import { createSqliteDialect, openSqliteFile } from './sqlite/sqlite-dialect.ts';
import { toStoreError } from './store-error.ts';
import { parseStoreUrl, redactUrl, type StoreAddress } from './store-url.ts';
import type { Tables } from './tables.ts';
import type { WorkQueue } from './work-queue.ts';

export interface Store {
  /** Where it is, without a password: an absolute path, or the address of the server. */
  readonly url: string;
  readonly dialect: StoreDialect;
  readonly ledger: Ledger;
  readonly calls: CallCache;
  /** A queue by name, e.g. `labels:<project>` or `compare:<run>`; queues exist once something is in them. */
  queue(name: string): WorkQueue;
  /** For tables of one's own: the same connection, with the same patience. */
  readonly database: Database;
  /** Waits for what is being written, then closes the connection. */
  close(): Promise<void>;
}

export interface OpenStoreOptions {
  /** Refuse to create a database where there is none, for commands that only read. Default false. */
  readonly mustExist?: boolean;
}

/**
 * Opens a store, and creates or updates its tables.
 * @param url a file path, `sqlite:<path>` or `:memory:` for SQLite; `postgres://user:password@host/database` for
 *   PostgreSQL
 * @throws TenetError('store') when it cannot be opened, is not a database of Tenet, or was written by a newer version
 */
export async function openStore(url: string, { mustExist = false }: OpenStoreOptions = {}): Promise<Store> {
  const address = parseStoreUrl(url);
  if (mustExist && address.dialect === 'sqlite' && !existsSync(address.path)) {
    throw new TenetError('store', `there is no ledger at ${address.path}: the file does not exist.`);
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
