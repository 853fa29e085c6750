/** Errors of the two databases, told apart and put into words that say what to do. */
import { TenetError } from '../base/index.ts';

interface DriverError extends Error {
  /** `ERR_SQLITE_ERROR`, a PostgreSQL state such as `40001`, or a system error such as `ECONNREFUSED`. */
  readonly code?: string;
  /** SQLite's result code. */
  readonly errcode?: number;
  /** Of an AggregateError: one error per address tried. */
  readonly errors?: readonly DriverError[];
}

/** @see https://www.sqlite.org/rescode.html */
const sqlite = {
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

/** True: another process holds the lock; try again. */
export function isBusy(error: unknown): boolean {
  return [sqlite.busy, sqlite.locked].includes(sqliteCode(error) ?? -1);
}

/** True: PostgreSQL has undone the transaction because of another one (serialization failure, deadlock). */
export function isTransient(error: unknown): boolean {
  return ['40001', '40P01'].includes((error as DriverError | undefined)?.code ?? '');
}

/** An error of the database as TenetError('store'); anything else as it is. */
export function toStoreError(error: unknown, url: string): unknown {
  if (TenetError.is(error) || !(error instanceof Error)) return error;
  const known = describe(error as DriverError, url);
  return known === null ? error : new TenetError('store', known, { details: { url }, cause: error });
}

function describe(error: DriverError, url: string): string | null {
  const code = sqliteCode(error);
  if (code !== undefined) return describeSqlite(error, code, url);
  const first = error.errors?.[0] ?? error;
  switch (first.code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return `no PostgreSQL server answers at ${url} (${first.code}); is it running, and are host and port right?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host in ${url} is not known (${first.code}); check the address.`;
    case '28P01':
    case '28000':
      return `the server refuses the user or password of ${url}: ${error.message}.`;
    case '3D000':
      return `${error.message} at ${url}; create it first, for example with "createdb".`;
    case '42501':
      return `the user of ${url} may not do this: ${error.message}.`;
    case '53100':
      return `the disk of ${url} is full: nothing was stored. Free some space and try again.`;
    case '53300':
      return `${url} has no connection left: ${error.message}.`;
  }
  if (/timeout exceeded when trying to connect|Connection terminated/i.test(error.message)) {
    return `the connection to ${url} was lost (${error.message}). What was acknowledged is stored; try the rest again.`;
  }
  // Five characters are a state that PostgreSQL reports; see its appendix A.
  return /^[0-9A-Z]{5}$/.test(first.code ?? '')
    ? `${url}: ${error.message} (PostgreSQL ${first.code}).`
    : null;
}

function describeSqlite(error: DriverError, code: number, url: string): string {
  switch (code) {
    case sqlite.busy:
    case sqlite.locked:
      return `${url} has been locked by another process for half a minute; is one stopped in the middle of a write?`;
    case sqlite.readonly:
      return `${url} cannot be written; check the permissions of the file and its folder.`;
    case sqlite.full:
      return `the disk with ${url} is full: nothing was stored. Free some space and try again.`;
    case sqlite.corrupt:
      return `${url} is damaged (${error.message}); restore it from a backup. "sqlite3 <file> .recover" may save more.`;
    case sqlite.cannotOpen:
      return `${url} cannot be opened; check that it is a file and that its folder may be written.`;
    case sqlite.notADatabase:
      return `${url} is not an SQLite database; give another file.`;
    case sqlite.io:
      return `reading or writing ${url} failed (${error.message}); check the disk.`;
    default:
      return `${url}: ${error.message}.`;
  }
}

/** SQLite's primary result code; undefined for errors that are not SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as DriverError;
  return code === 'ERR_SQLITE_ERROR' && errcode !== undefined ? errcode & 0xff : undefined;
}
