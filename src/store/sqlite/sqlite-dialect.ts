/** Kysely on SQLite: transactions that lock at once, and a database that loses nothing it has acknowledged. */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type SqliteDatabase as KyselyDatabase,
  type SqliteStatement as KyselyStatement,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqliteConstructor, SqliteDatabase } from './load-sqlite.ts';

/** How long SQLite itself waits for a lock. Short, because it blocks the thread; `write` waits on after it. */
const busyTimeoutMs = 50;
/** `Tnet`: marks the file as Tenet's for tools like `file`. */
export const applicationId = 0x546e6574;

/**
 * What a new file may be read and written by, less what the umask takes away: not by everybody on the machine, since sessions
 * and the secret that signs cookies are in it. SQLite gives its log the same.
 */
const newFileMode = 0o660;

/**
 * Opens a file and sets it up. Write-ahead logging lets readers go on while one process writes; with
 * `synchronous = full` each commit is flushed to the disk before it returns.
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function openSqliteFile(path: string, Sqlite: SqliteConstructor): SqliteDatabase {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true });
    makeFile(path);
  }
  const database = new Sqlite(path, { timeout: busyTimeoutMs });
  try {
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    // On macOS an ordinary flush leaves the data in the drive's cache.
    database.exec('pragma fullfsync = on');
    database.exec('pragma checkpoint_fullfsync = on');
    database.exec('pragma foreign_keys = on');
    // Keys are hashes, so that every insert touches pages all over the indexes; by default 2 MB of them are kept.
    database.exec('pragma cache_size = -65536');
    database.exec('pragma wal_autocheckpoint = 4000');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function makeFile(path: string): void {
  try {
    if (!existsSync(path)) closeSync(openSync(path, 'a', newFileMode));
  } catch {
    // SQLite says what is wrong, as it does of files that are there.
  }
}

/**
 * Moves what is in the write-ahead log into the file itself, as far as nobody else is at work on it. SQLite does so by itself
 * when the last connection closes, but not while statements are prepared, which nothing can finish.
 */
function emptyLog(database: SqliteDatabase): void {
  try {
    database.exec('pragma wal_checkpoint(truncate)');
  } catch {
    // Another process writes, or the disk is full: the log stays, and whoever opens the file next reads it.
  }
}

/** The dialect for an open database, which it closes with Kysely. */
export function createSqliteDialect(database: SqliteDatabase): Dialect {
  return {
    createDriver: () => new ImmediateDriver({ database: new StatementCache(database) }),
    createAdapter: () => new TransactionalAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/**
 * Begins transactions as writers. A transaction that begins as a reader fails as soon as it writes when another
 * process has written in between, and waiting does not help it.
 */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

/** Has the migrations run in one transaction, so that processes that open a new file together do not collide. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** What Kysely asks of a SQLite, from what `node:sqlite` offers; keeps statements prepared. */
class StatementCache implements KyselyDatabase {
  private readonly database: SqliteDatabase;
  private readonly statements = new Map<string, KyselyStatement>();

  constructor(database: SqliteDatabase) {
    this.database = database;
  }

  prepare(sql: string): KyselyStatement {
    const known = this.statements.get(sql);
    if (known) return known;
    const statement = this.database.prepare(sql);
    const prepared: KyselyStatement = {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...parameters),
      run: (parameters) => statement.run(...parameters),
      iterate: () => {
        throw new Error('rows are read in pages, not through a cursor that would hold the only connection');
      },
    };
    if (this.statements.size >= 200) this.statements.delete(this.statements.keys().next().value!);
    this.statements.set(sql, prepared);
    return prepared;
  }

  close(): void {
    this.statements.clear();
    emptyLog(this.database);
    this.database.close();
  }
}
