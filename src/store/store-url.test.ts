import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseStoreUrl, redactUrl } from './store-url.ts';

it('tells files from servers', () => {
  const file = (path: string): object => ({ dialect: 'sqlite', path });
  expect(parseStoreUrl('labels.db')).toEqual(file(resolve('labels.db')));
  expect(parseStoreUrl('/data/a b.db')).toEqual(file('/data/a b.db'));
  expect(parseStoreUrl('sqlite:labels.db')).toEqual(file(resolve('labels.db')));
  expect(parseStoreUrl('sqlite:///data/labels.db')).toEqual(file('/data/labels.db'));
  expect(parseStoreUrl('file:/data/labels.db')).toEqual(file('/data/labels.db'));
  expect(parseStoreUrl(':memory:')).toEqual(file(':memory:'));
  const url = 'postgresql://me@host/db?sslmode=require';
  expect(parseStoreUrl(url)).toEqual({ dialect: 'postgres', url });
});

it('takes passwords out', () => {
  expect(redactUrl('postgres://me:se:cr%40et@host:5432/db')).toBe('postgres://me@host:5432/db');
  expect(redactUrl('postgres://host/db?user=me&password=secret&x=1')).toBe(
    'postgres://host/db?user=me&password=…&x=1',
  );
  expect(redactUrl('postgres://me@host/db')).toBe('postgres://me@host/db');
  expect(redactUrl('labels.db')).toBe('labels.db');
});
