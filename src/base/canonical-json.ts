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
  return write(value, []);
}

/** @param path keys and objects from the value given down to this one, for errors and to notice cycles */
function write(value: unknown, path: PathStep[]): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw unwritable(path, String(value), 'numbers must be finite');
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : writeObject(value, path);
    default:
      throw unwritable(
        path,
        `a ${typeof value}`,
        'use null, booleans, numbers, texts, arrays and plain objects',
      );
  }
}

interface PathStep {
  readonly parent: object;
  key: string | number;
}

function writeObject(value: object, path: PathStep[]): string {
  if (path.some(({ parent }) => parent === value)) {
    throw unwritable(path, 'an object that contains itself', 'break the cycle');
  }
  const step: PathStep = { parent: value, key: '' };
  path.push(step);
  let json: string;
  if (Array.isArray(value)) {
    const items = Array.from(value, (item, i) => {
      step.key = i;
      return write(item, path);
    });
    json = `[${items.join(',')}]`;
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      path.pop();
      throw unwritable(
        path,
        `a ${prototype.constructor?.name}`,
        'convert it to a plain object or a text first',
      );
    }
    const entries: string[] = [];
    for (const key of Object.keys(value).sort()) {
      const item = (value as Record<string, unknown>)[key];
      if (item === undefined) continue;
      step.key = key;
      entries.push(`${JSON.stringify(key)}:${write(item, path)}`);
    }
    json = `{${entries.join(',')}}`;
  }
  path.pop();
  return json;
}

function unwritable(path: readonly PathStep[], what: string, rule: string): TenetError {
  const where = path.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return new TenetError(
    'usage',
    `${where.replace(/^\./, '') || 'the value'} is ${what}, which JSON cannot hold; ${rule}.`,
  );
}
