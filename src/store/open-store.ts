/** Opens the database that ledger, cache and queues live in. */
import type { CallCache } from './call-cache.ts';
import type { Ledger } from './ledger.ts';
import type { WorkQueue } from './work-queue.ts';

export interface Store {
  /** Where it is, without a password. */
  readonly url: string;
  readonly dialect: 'sqlite' | 'postgres';
  readonly ledger: Ledger;
  readonly calls: CallCache;
  /** A queue by name, e.g. `labels:<project>` or `compare:<run>`; queues exist once something is in them. */
  queue(name: string): WorkQueue;
  close(): Promise<void>;
}

export interface OpenStoreOptions {
  /** Refuse to create a database where there is none, for commands that only read. Default false. */
  readonly mustExist?: boolean;
}

/**
 * @param url a file path, `sqlite:<path>` or `:memory:` for SQLite; `postgres://user:password@host/database` for
 *   PostgreSQL
 * @throws TenetError('store') when it cannot be opened, is not a database of Tenet, or was written by a newer version
 */
export declare function openStore(url: string, options?: OpenStoreOptions): Promise<Store>;
