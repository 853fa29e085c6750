/** Which database an address names. */
import { resolve } from 'node:path';
import { TenetError } from '../base/index.ts';

export type StoreAddress =
  | { readonly dialect: 'sqlite' /** Absolute, or `:memory:`. */; readonly path: string }
  | { readonly dialect: 'postgres'; readonly url: string };

/** @throws TenetError('store') for an address of another kind of database */
export function parseStoreUrl(url: string): StoreAddress {
  if (/^postgres(ql)?:\/\//.test(url)) return { dialect: 'postgres', url };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== 'sqlite' && scheme !== 'file') {
    throw new TenetError(
      'store',
      `"${redactUrl(url)}" names a kind of database that Tenet cannot use; give a file for SQLite, such as labels.db, ` +
        'or postgres://user@host/database.',
    );
  }
  const path = scheme === undefined ? url : url.slice(scheme.length + 1).replace(/^\/\/(?=\/)/, '');
  if (path === '')
    throw new TenetError('store', 'the address of the store is empty; give a file, such as labels.db.');
  return { dialect: 'sqlite', path: path === ':memory:' ? path : resolve(path) };
}

/** The address without its password, for messages and records. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/[^/?#@]*?):[^/?#@]*@/i, '$1@')
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, '$1…');
}
