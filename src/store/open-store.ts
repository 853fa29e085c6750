/** Opens and copies stores. What talks to databases is loaded only then: it takes longer than many a command. */
import type { OpenStoreOptions, Store } from './store.ts';
import type { Tables } from './tables.ts';

/**
 * Opens a store, and creates or updates its tables.
 * @param url a file path, `sqlite:<path>` or `:memory:` for SQLite; `postgres://user:password@host/database` for
 *   PostgreSQL
 * @throws TenetError('store') when it cannot be opened, is not a database of Tenet, or was written by a newer version
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const { openDatabaseStore } = await import('./database-store.ts');
  return openDatabaseStore(url, options);
}

/**
 * Copies everything in a store to another one, such as from a file to a server. Rows are copied as they are, so the
 * ledger keeps its chain, and heads noted earlier hold for the copy too. All or nothing; what is written to the source
 * meanwhile is not copied.
 * @returns rows copied, by table
 * @throws TenetError('store') when the target is not empty, or the copied ledger does not pass its check
 */
export async function copyStore(from: Store, to: Store): Promise<Readonly<Record<keyof Tables, number>>> {
  const { copyDatabase } = await import('./copy-database.ts');
  return copyDatabase(from, to);
}
