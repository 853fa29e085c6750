/** A connected database: how the store's own code reads and writes it. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { patiently } from './patience.ts';
import type { Tables } from './tables.ts';

export type StoreDialect = 'sqlite' | 'postgres';

export class Database {
  readonly db: Kysely<Tables>;
  readonly dialect: StoreDialect;
  /** Where it is, without a password. */
  readonly url: string;

  constructor(db: Kysely<Tables>, dialect: StoreDialect, url: string) {
    this.db = db;
    this.dialect = dialect;
    this.url = url;
  }

  /** The same database for code that runs as a part of a transaction: it reads and writes in that. */
  within(transaction: Transaction<Tables>): Database {
    return new TransactionDatabase(transaction, this.dialect, this.url);
  }

  /** Runs queries that only read. */
  read<T>(query: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return patiently(this.url, () => query(this.db));
  }

  /**
   * Runs a transaction and returns when it is on disk. It is run again when it loses against another process, so it
   * must have no effects besides those on the database.
   */
  write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return patiently(this.url, () => {
      const transaction = this.db.transaction();
      // On SQLite every transaction is serializable. On PostgreSQL each statement must see what was committed while
      // an earlier one waited for a lock, whatever the server's default is.
      return this.dialect === 'sqlite'
        ? transaction.execute(work)
        : transaction.setIsolationLevel('read committed').execute(work);
    });
  }

  /** From here to its end, no other transaction that asks for the same lock goes on. */
  async lock(transaction: Transaction<Tables>, name: string): Promise<void> {
    if (this.dialect === 'sqlite') return; // where a transaction that writes is the only one anyway
    await sql`select pg_advisory_xact_lock(hashtextextended(${`tenet ${name}`}, 0))`.execute(transaction);
  }
}

/** A database as one transaction sees it. What fails undoes all of it, so nothing is tried again from within. */
class TransactionDatabase extends Database {
  private readonly transaction: Transaction<Tables>;

  constructor(transaction: Transaction<Tables>, dialect: StoreDialect, url: string) {
    super(transaction, dialect, url);
    this.transaction = transaction;
  }

  override within(): Database {
    return this;
  }

  override read<T>(query: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return query(this.transaction);
  }

  override write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return work(this.transaction);
  }
}
