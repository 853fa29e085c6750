/** Finds a SQLite: the one that Node has, or the optional package with the same interface. */
import { TenetError } from '../../base/index.ts';

/** The part of `node:sqlite` that is used. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): void;
  close(): void;
}

export interface SqliteStatement {
  /** The columns of its result; empty for statements that give none. */
  columns(): readonly unknown[];
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): {
    readonly changes: number | bigint;
    readonly lastInsertRowid: number | bigint;
  };
}

export type SqliteConstructor = new (path: string, options?: { readonly timeout?: number }) => SqliteDatabase;

/** @throws TenetError('store') when there is none, with the way to install one */
export async function loadSqlite(): Promise<SqliteConstructor> {
  const builtIn = quietly(() => process.getBuiltinModule?.('node:sqlite' as 'sqlite')) as
    | { DatabaseSync: SqliteConstructor; StatementSync: { prototype: object } }
    | undefined;
  // Before Node 22.16 its statements cannot name their columns.
  if (builtIn && 'columns' in builtIn.StatementSync.prototype) return builtIn.DatabaseSync;
  try {
    return (await import('@photostructure/sqlite')).DatabaseSync as unknown as SqliteConstructor;
  } catch (cause) {
    throw new TenetError(
      'store',
      `this Node (${process.version}) has no SQLite that Tenet can use, and the package @photostructure/sqlite is not ` +
        'installed; run "npm install @photostructure/sqlite", or use Node 22.16 or newer.',
      { cause },
    );
  }
}

/** Keeps Node 22 from warning that its SQLite is experimental: users can do nothing about it. */
function quietly<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
