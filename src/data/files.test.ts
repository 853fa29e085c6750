/** Conversion, splitting and writing of whole files. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { convertFile } from './convert-file.ts';
import { examplesOf } from './example.ts';
import { readRecords } from './read-records.ts';
import { groupKey, splitFile } from './split-file.ts';
import { RecordWriter, writeRecords } from './write-records.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('writeRecords', () => {
  const records = [
    { prompt: 'a, "b"\nc', completion: ' d ' },
    { prompt: 'é😀', completion: '' },
  ];

  it.each([
    'rows.jsonl',
    'rows.json',
    'rows.csv',
    'rows.jsonl.gz',
    'rows.json.gz',
    'rows.csv.gz',
    'rows.parquet',
  ])('writes %s so that it reads back unchanged', async (name) => {
    const path = join(folder, name);
    expect(await writeRecords(path, records)).toBe(2);
    expect((await readRecords(path).toArray()).map((row) => row.record)).toEqual(records);
    expect(await readdir(folder)).toEqual([name]);
  });

  it('writes lists into CSV cells', async () => {
    const path = join(folder, 'rankings.csv');
    const ranking = {
      prompt: [{ role: 'user', content: 'q' }],
      responses: [[{ role: 'assistant', content: 'a' }], [{ role: 'assistant', content: 'b' }]],
      ranks: [null, 1],
    };
    await writeRecords(path, [ranking]);
    expect((await readRecords(path).toArray()).map((row) => row.record)).toEqual([ranking]);
  });

  it('leaves the old file as it was when it gives up', async () => {
    const path = join(folder, 'rows.jsonl');
    await writeFile(path, 'old');
    const writer = await RecordWriter.open(path);
    await writer.write({ a: 1 });
    await writer.abort();
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['rows.jsonl']);
    await expect(writeRecords(join(folder, 'rows.csv'), [{ a: 1 }, { b: 2 }])).rejects.toThrow(
      'row 2 has the field "b"',
    );
    expect(await readdir(folder)).toEqual(['rows.jsonl']);
    await expect(RecordWriter.open(join(folder, 'rows.arrow'))).rejects.toThrow('name the output');
  });

  it('leaves nothing behind where its name belongs to a folder', async () => {
    await mkdir(join(folder, 'rows.jsonl'));
    await expect(writeRecords(join(folder, 'rows.jsonl'), [{ a: 1 }])).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['rows.jsonl']);
    await writeRecords(join(folder, 'in.jsonl'), [{ prompt: 'a' }, { prompt: 'b' }]);
    const parts = ['rows.jsonl', 'b.jsonl'].map((name) => ({
      name,
      fraction: 0.5,
      path: join(folder, name),
    }));
    await expect(splitFile(join(folder, 'in.jsonl'), { parts })).rejects.toThrow();
    expect((await readdir(folder)).sort()).toEqual(['in.jsonl', 'rows.jsonl']);
  });

  it('writes an empty array for no records', async () => {
    await writeRecords(join(folder, 'none.json'), []);
    expect(JSON.parse(await readFile(join(folder, 'none.json'), 'utf8'))).toEqual([]);
  });
});

describe('convertFile', () => {
  it('converts row by row and reports', async () => {
    const input = join(folder, 'in.json');
    await writeFile(
      input,
      JSON.stringify([
        { prompt: 'p', responses: ['a', 'b', 'c'], ranks: [2, 1, 3] },
        { prompt: 'q', responses: ['a', 'b'], ranks: [1, 1] },
      ]),
    );
    const output = join(folder, 'out.jsonl.gz');
    expect(await convertFile(input, output, { to: 'preference', style: 'conversational' })).toEqual({
      from: 'ranking',
      to: 'preference',
      rowsRead: 2,
      badRows: 0,
      recordsWritten: 3,
      dropped: { 'all tied or not judged': 1 },
    });
    const rows = gunzipSync(await readFile(output))
      .toString()
      .trimEnd()
      .split('\n');
    expect(JSON.parse(rows[0])).toEqual({
      prompt: [{ role: 'user', content: 'p' }],
      chosen: [{ role: 'assistant', content: 'b' }],
      rejected: [{ role: 'assistant', content: 'a' }],
    });
  });

  it('writes nothing when a row is bad', async () => {
    const input = join(folder, 'in.jsonl');
    await writeFile(input, '{"prompt":"p","completion":"c"}\n{"prompt":"p"}\n');
    await expect(convertFile(input, join(folder, 'out.jsonl'), { to: 'language-modeling' })).rejects.toThrow(
      ':2 completion',
    );
    expect(await readdir(folder)).toEqual(['in.jsonl']);
  });
});

describe('splitFile', () => {
  it('gives all parts their names, or none', async () => {
    const input = join(folder, 'in.jsonl');
    await writeRecords(input, [{ prompt: 'a' }]); // one of the parts gets no row, which Parquet cannot hold
    for (const [first, second] of [
      [0.001, 0.999],
      [0.999, 0.001],
    ]) {
      const parts = [
        { name: 'a', fraction: first, path: join(folder, 'a.parquet') },
        { name: 'b', fraction: second, path: join(folder, 'b.parquet') },
      ];
      await expect(splitFile(input, { parts })).rejects.toThrow(
        /[ab]\.parquet: Parquet needs at least one row/,
      );
      expect(await readdir(folder)).toEqual(['in.jsonl']);
    }
  });

  const parts = (names: Record<string, number>, at = folder) =>
    Object.entries(names).map(([name, fraction]) => ({ name, fraction, path: join(at, `${name}.jsonl`) }));

  it('keeps rows of a prompt together, loses none, and does not depend on their order', async () => {
    const rows = Array.from({ length: 900 }, (_, i) => ({
      prompt: `prompt ${i % 300}`,
      chosen: `${i}`,
      rejected: 'x',
    }));
    await writeRecords(join(folder, 'in.jsonl'), rows);
    await writeRecords(join(folder, 'reversed.jsonl'), rows.toReversed());
    const shares = { train: 0.7, dev: 0.1, test: 0.2 };
    const report = await splitFile(join(folder, 'in.jsonl'), { parts: parts(shares), seed: 3 });
    const other = await splitFile(join(folder, 'reversed.jsonl'), {
      parts: parts(shares, join(folder, 'r')),
      seed: 3,
    });
    expect(other.parts.map((part) => part.rows)).toEqual(report.parts.map((part) => part.rows));
    const prompts: Set<string>[] = [];
    const all: string[] = [];
    for (const part of report.parts) {
      const records = (await readRecords(part.path).toArray()).map((row) => row.record as (typeof rows)[0]);
      prompts.push(new Set(records.map((record) => record.prompt)));
      all.push(...records.map((record) => record.chosen));
      // 300 prompts: the share of a part has a standard deviation below 0.03.
      expect(Math.abs(part.rows / 900 - part.fraction)).toBeLessThan(0.1);
    }
    expect(all.sort((a, b) => Number(a) - Number(b))).toEqual(rows.map((row) => row.chosen));
    expect(prompts[0].size + prompts[1].size + prompts[2].size).toBe(300);
    const reseeded = await splitFile(join(folder, 'in.jsonl'), {
      parts: parts(shares, join(folder, 's')),
      seed: 4,
    });
    expect(await readFile(reseeded.parts[1].path, 'utf8')).not.toBe(
      await readFile(report.parts[1].path, 'utf8'),
    );
  });

  it('groups conversations by their first user turn', async () => {
    const real = sharedData('preferences/hh-harmless-base.dev.jsonl.gz');
    if (real === null) return;
    const report = await splitFile(real, { parts: parts({ a: 0.5, b: 0.5 }) });
    const keys = await Promise.all(
      report.parts.map(async ({ path }) => {
        const rows = await readRecords(path).toArray();
        return new Set(rows.map((row) => groupKey(examplesOf(row.record, row.format)[0])));
      }),
    );
    expect([...keys[0]].filter((key) => keys[1].has(key))).toEqual([]);
    expect(report.parts[0].rows + report.parts[1].rows).toBe(300);
  });

  it('parts rows without a prompt by what they hold', async () => {
    const input = join(folder, 'in.jsonl');
    for (const rowOf of [
      (i: number) => ({ prompt: ' ', completion: `text ${i >> 1}` }),
      (i: number) => ({ chosen: `yes ${i >> 1}`, rejected: `no ${i >> 1}` }), // share no beginning
    ]) {
      await writeRecords(
        input,
        Array.from({ length: 200 }, (_, i) => rowOf(i)),
      );
      const { parts: made } = await splitFile(input, { parts: parts({ a: 0.5, b: 0.5 }) });
      for (const { rows } of made) {
        expect(rows).toBeGreaterThan(60);
        expect(rows % 2).toBe(0); // the same row twice stays together
      }
    }
  });

  it('refuses parts that make no split', async () => {
    const split = (names: Record<string, number>) => splitFile('x.jsonl', { parts: parts(names) });
    await expect(split({ a: 0.5, b: 0.6 })).rejects.toThrow('sum to 1; got a=0.5, b=0.6');
    await expect(split({ a: 1 })).rejects.toThrow('at least two parts');
    await expect(split({ a: 1, b: 0 })).rejects.toThrow('above 0');
  });
});
