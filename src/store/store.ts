/** A store: one database that ledger, cache and queues live in. */
import type { CallCache } from './call-cache.ts';
import type { Database, StoreDialect } from './database.ts';
import type { Ledger } from './ledger.ts';
import type { WorkQueue } from './work-queue.ts';

export interface Store {
  /** Where it is, without a password: an absolute path, or the address of the server. */
  readonly url: string;
  readonly dialect: StoreDialect;
  readonly ledger: Ledger;
  readonly calls: CallCache;
  /** A queue by name, e.g. `labels:<project>` or `compare:<run>`; queues exist once something is in them. */
  queue(name: string): WorkQueue;
  /**
   * Does several things in one transaction, all or none, and returns when they are on disk. It is done again when it
   * loses against another process, so it must have no effects besides those on the store. Use only what it is given:
   * anything else of the store would wait for this transaction to end.
   */
  write<T>(work: (within: StoreTransaction) => Promise<T>): Promise<T>;
  /** For tables of one's own: the same connection, with the same patience. */
  readonly database: Database;
  /** Waits for what is being written, then closes the connection. */
  close(): Promise<void>;
}

/** What can be done in one transaction. */
export interface StoreTransaction {
  /** `append` last: from then to the end of the transaction nobody else appends. */
  readonly ledger: Pick<Ledger, 'append' | 'get'>;
  queue(name: string): WorkQueue;
  readonly database: Database;
}

export interface OpenStoreOptions {
  /** Refuse to create a database where there is none, for commands that only read. Default false. */
  readonly mustExist?: boolean;
}
