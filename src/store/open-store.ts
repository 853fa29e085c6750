/** Opens the database that ledger, cache and queues live in. */
import type { OpenStoreOptions, Store } from './store.ts';

/**
 * Opens a store, and creates or updates its tables.
 * @param url a file path, `sqlite:<path>` or `:memory:` for SQLite; `postgres://user:password@host/database` for
 *   PostgreSQL
 * @throws TenetError('store') when it cannot be opened, is not a database of Tenet, or was written by a newer version
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  // What talks to databases is loaded only now: it takes longer than many a command that opens none.
  const { openDatabaseStore } = await import('./database-store.ts');
  return openDatabaseStore(url, options);
}
