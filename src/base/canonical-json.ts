/** JSON in one form only, so that equal contents have equal hashes on every machine. */
import { TenetError } from './error.ts';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Writes a value as canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript writes them. Keys whose value is undefined are left out.
 * @throws TenetError('usage') for what JSON cannot hold (NaN, infinities, functions, cycles), naming where it is
 */
export function canonicalJson(value: unknown): string {
  return write(value, '', []);
}

function write(value: unknown, where: string, parents: readonly object[]): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw unwritable(where, String(value), 'numbers must be finite');
      return JSON.stringify(value);
    case 'object':
      break;
    default:
      throw unwritable(
        where,
        `a ${typeof value}`,
        'use null, booleans, numbers, texts, arrays and plain objects',
      );
  }
  if (value === null) return 'null';
  if (parents.includes(value)) throw unwritable(where, 'an object that contains itself', 'break the cycle');
  const inside = [...parents, value];
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, i) => write(item, `${where}[${i}]`, inside)).join(',')}]`;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw unwritable(
      where,
      `a ${prototype.constructor?.name}`,
      'convert it to a plain object or a text first',
    );
  }
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${write(item, where ? `${where}.${key}` : key, inside)}`);
  return `{${entries.join(',')}}`;
}

function unwritable(where: string, what: string, rule: string): TenetError {
  return new TenetError('usage', `${where || 'the value'} is ${what}, which JSON cannot hold; ${rule}.`);
}
