/** Parquet: files of another writer, round trips, damage. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertFile } from './convert-file.ts';
import { readRecords } from './read-records.ts';
import { openRows } from './read-rows.ts';
import { splitFile } from './split-file.ts';
import { writeRecords } from './write-records.ts';

const fixtures = join(import.meta.dirname, '../../tests/fixtures/parquet');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-parquet-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function valuesOf(path: string): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const { value } of (await openRows(path)).rows) values.push(value);
  return values;
}

const user = (content: string) => [{ role: 'user', content }];
const assistant = (content: string) => [{ role: 'assistant', content }];

// Written by pyarrow 25 with two rows to a group: nested lists and structs, nulls at every level.
const pyarrowRows = [
  {
    prompt: user('Wie hoch ist der Turm? 😀'),
    responses: [assistant('96 Meter.'), [{ role: 'assistant', content: '', name: 'b' }]],
    ranks: [1, null],
    scores: { help: [0.5, null] },
    id: '9007199254740993', // 2^53 + 1 does not fit a number
    small: 7,
    made: '2024-05-06T07:08:09.000Z',
    empty: [],
  },
  { prompt: user('b'), responses: [assistant('c'), assistant('d')], ranks: [2, 1], id: 5 },
  {
    prompt: user('e'),
    responses: [assistant('f'), assistant('g')],
    ranks: [1, 1],
    scores: { help: [1, 2], harm: [3, 4] },
    id: -1,
    small: -3,
    empty: ['x'],
  },
];

describe('reading Parquet', () => {
  it.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])(
    'gives the rows that pyarrow wrote with compression %s',
    async (codec) => {
      const records = readRecords(join(fixtures, `rankings-${codec}.parquet`));
      const rows = await records.toArray();
      expect(rows.map(({ record }) => record)).toEqual(pyarrowRows);
      expect(rows.map(({ line, unit }) => `${unit} ${line}`)).toEqual(['item 1', 'item 2', 'item 3']);
      expect(records.summary).toMatchObject({ container: 'parquet', format: 'ranking', rows: 3 });
    },
  );

  it('knows Parquet by its content, whatever the name', async () => {
    const path = join(folder, 'rows.jsonl');
    await writeFile(path, await readFile(join(fixtures, 'rankings-zstd.parquet')));
    expect(await valuesOf(path)).toEqual(pyarrowRows);
  });

  it('says of damaged and cut files what they are', async () => {
    const path = join(folder, 'rows.parquet');
    const whole = await readFile(join(fixtures, 'rankings-snappy.parquet'));
    await writeFile(path, whole.subarray(0, whole.length - 20));
    await expect(valuesOf(path)).rejects.toThrow(/rows\.parquet: incomplete or damaged Parquet/);
    await writeFile(path, '<html>');
    await expect(valuesOf(path)).rejects.toThrow('not a Parquet file (it does not begin with PAR1)');
    await writeFile(path, '');
    await expect(valuesOf(path)).rejects.toThrow('it is empty');
    await writeFile(path, whole.fill(0xff, 40, 400));
    await expect(valuesOf(path)).rejects.toThrow(/incomplete or damaged Parquet/);
  });
});

describe('writing Parquet', () => {
  /** Null in a field is as good as no field; a column format cannot tell them apart. */
  function withoutNulls(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withoutNulls);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([, field]) => field !== null);
    return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
  }

  it('gives back any rows of JSON, also where a field is now a text and now a list', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'with space', 'list', 'element', 'key', 'value', 'x.y');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, false, '', 'text', '\ufefftext', '😀', 0, 1, -7, 2 ** 53, 0.5, 1e300),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(name, tie('any'), { maxKeys: 3 }),
      ),
    })).any;
    const row = fc.dictionary(fc.constantFrom('p', 'q', 'r'), value, { minKeys: 1, maxKeys: 3 });
    let files = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
        const path = join(folder, `${files++}.parquet`);
        const plain = JSON.parse(JSON.stringify(rows)); // dictionaries of fast-check have no prototype
        await writeRecords(path, plain);
        expect(await valuesOf(path)).toEqual(withoutNulls(plain));
      }),
      { numRuns: 40 },
    );
  });

  it('writes more rows than one group holds', async () => {
    const path = join(folder, 'many.parquet');
    const rows = Array.from({ length: 4100 }, (_, i) => ({ prompt: `question ${i}` }));
    expect(await writeRecords(path, rows)).toBe(4100);
    expect(await valuesOf(path)).toEqual(rows);
    expect(await readdir(folder)).toEqual(['many.parquet']);
  });

  it('refuses what has no columns, and leaves nothing behind', async () => {
    const path = join(folder, 'none.parquet');
    await expect(writeRecords(path, [])).rejects.toThrow(`${path}: Parquet needs at least one row`);
    await expect(writeRecords(path, [{ 'a.b': 1 }])).rejects.toThrow('empty or has a dot');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is a container like the others to convert and split', async () => {
    const pairs = join(folder, 'pairs.parquet');
    const input = join(fixtures, 'rankings-lz4.parquet');
    const report = await convertFile(input, pairs, { to: 'preference' });
    // Of three rankings one has a single rank and one is a tie: one pair.
    expect(report).toMatchObject({ from: 'ranking', recordsWritten: 1 });
    expect(await valuesOf(pairs)).toEqual([
      { prompt: user('b'), chosen: assistant('d'), rejected: assistant('c') },
    ]);
    const parts = ['train', 'test'].map((part) => ({
      name: part,
      fraction: 0.5,
      path: join(folder, `${part}.parquet`),
    }));
    const many = join(folder, 'many.jsonl');
    await writeRecords(
      many,
      Array.from({ length: 40 }, (_, i) => ({ prompt: `q${i}`, completion: `a${i}` })),
    );
    await splitFile(many, { parts });
    const rows = [...(await valuesOf(parts[0].path)), ...(await valuesOf(parts[1].path))];
    expect(rows).toHaveLength(40);
  });
});
