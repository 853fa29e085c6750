import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawRow } from './raw-row.ts';
import { readCsv } from './read-csv.ts';
import { readJsonArray } from './read-json-array.ts';
import { readJsonl } from './read-jsonl.ts';
import { openRows } from './read-rows.ts';
import { readTextBlocks, readTextLines } from './read-text.ts';

/** A text as a stream of pieces of the given size in bytes. */
async function* pieces(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text as string);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function all(rows: AsyncIterable<RawRow>): Promise<RawRow[]> {
  const result: RawRow[] = [];
  for await (const row of rows) result.push(row);
  return result;
}

const record = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });
const pieceSize = fc.integer({ min: 1, max: 40 });

describe('readJsonl', () => {
  it('gives what JSON.parse gives, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 6 }), pieceSize, async (records, size) => {
        const text = records.map((r) => JSON.stringify(r)).join('\n');
        const rows = await all(readJsonl(pieces(text, size)));
        expect(rows.map((row) => JSON.stringify(row.value))).toEqual(records.map((r) => JSON.stringify(r)));
        expect(rows.map((row) => row.line)).toEqual(records.map((_, i) => i + 1));
      }),
    );
  });

  it('counts empty lines, takes CRLF and a byte-order mark, and reports bad rows with their line', async () => {
    const rows = await all(readJsonl(pieces('\uFEFF{"a":1}\r\n\r\n  \nnope\n{"b":2}', 3)));
    expect(rows).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, error: expect.stringContaining('is not valid JSON') },
      { line: 5, value: { b: 2 } },
    ]);
    const broken = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(await all(readJsonl(pieces(broken, 4)))).toEqual([{ line: 1, error: 'is not valid UTF-8' }]);
  });
});

describe('readJsonArray', () => {
  it('gives what JSON.parse gives, however the bytes arrive', async () => {
    const indent = fc.constantFrom(0, 2);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 6 }),
        pieceSize,
        indent,
        async (items, size, space) => {
          const rows = await all(readJsonArray(pieces(JSON.stringify(items, null, space), size)));
          expect(rows.map((row) => JSON.stringify(row.value))).toEqual(
            items.map((item) => JSON.stringify(item)),
          );
          expect(rows.map((row) => row.line)).toEqual(items.map((_, i) => i + 1));
        },
      ),
    );
  });

  it.each([
    ['[{"a":1},{"a":x},{"a":2}]', [undefined, 'is not valid JSON', undefined]],
    ['[1,2', [undefined, 'the file ends inside this item']],
    ['[1,,2]', [undefined, 'there is a comma too many', undefined]],
    ['[1,]', [undefined, 'there is a comma too many']],
    ['[1] 2', [undefined, 'goes on after the end']],
    ['{"a":1}', ['is not a JSON array']],
    [' []  ', []],
  ])('reports what is wrong in %s', async (text, errors) => {
    const rows = await all(readJsonArray(pieces(text, 2)));
    expect(rows.map((row) => row.error)).toEqual(
      errors.map((e) => (e ? expect.stringContaining(e) : undefined)),
    );
  });
});

describe('readCsv', () => {
  it('names the line on which a row starts, over quoted line ends', async () => {
    const text = 'prompt,completion\na,"b\nb"\n"c ""x""",d\ne\n';
    expect(await all(readCsv(pieces(text, 5), ','))).toEqual([
      { line: 2, value: { prompt: 'a', completion: 'b\nb' } },
      { line: 4, value: { prompt: 'c "x"', completion: 'd' } },
      { line: 5, error: 'has 1 cells; the header has 2' },
    ]);
  });

  it.each(['\n', '\r\n', '\r'])(
    'counts empty lines and those within quotes, with line ends %j',
    async (end) => {
      const text = ['', 'prompt,completion', '', '', '"a', '', 'b",c', 'd', '', 'e'].join(end);
      expect(await all(readCsv(pieces(text, 3), ','))).toEqual([
        { line: 5, value: { prompt: `a${end}${end}b`, completion: 'c' } },
        { line: 8, error: 'has 1 cells; the header has 2' },
        { line: 10, error: 'has 1 cells; the header has 2' },
      ]);
    },
  );

  it('reports the rows of another encoding instead of changing their letters', async () => {
    const latin1 = Buffer.from('prompt,completion\nCafé,a\nThé,b\nEau,c\n', 'latin1');
    const error = 'is not valid UTF-8; save the file in that encoding';
    expect(await all(readCsv(pieces(latin1, 4), ','))).toEqual([
      { line: 2, error },
      { line: 3, error },
      { line: 4, value: { prompt: 'Eau', completion: 'c' } },
    ]);
    expect(await all(readCsv(pieces(Buffer.from('café,a\nb,c\n', 'latin1'), 4), ','))).toEqual([
      { line: 1, error },
    ]);
  });

  it('reads UTF-8 and UTF-16 with a byte-order mark, as spreadsheets write them', async () => {
    const text = '\ufeffprompt,completion\r\nCafé,😀\r\n';
    for (const encoding of ['utf8', 'utf16le'] as const) {
      expect(await all(readCsv(pieces(Buffer.from(text, encoding), 5), ','))).toEqual([
        { line: 2, value: { prompt: 'Café', completion: '😀' } },
      ]);
    }
  });

  it('refuses a column that is there twice; columns without a name may be', async () => {
    expect(await all(readCsv(pieces('prompt,label,prompt\na,1,b\n', 5), ','))).toEqual([
      { line: 1, error: 'names the column "prompt" twice; rename or remove one of them' },
    ]);
    expect(await all(readCsv(pieces('prompt,,\na,,\n', 5), ','))).toEqual([
      { line: 2, value: { prompt: 'a', '': '' } },
    ]);
  });

  it('takes a cell for messages only where it has some, complete or not', async () => {
    const rows = ['[{"id":1}]', '[{"role":"user","content":"a"}]', '[{"content":"a"}]', '[{x'];
    const text = `prompt\n${rows.map((row) => `"${row.replaceAll('"', '""')}"\n`).join('')}`;
    const read = await all(readCsv(pieces(text, 9), ','));
    expect(read.map(({ value }) => (value as { prompt: unknown }).prompt)).toEqual([
      '[{"id":1}]',
      [{ role: 'user', content: 'a' }],
      [{ content: 'a' }],
      '[{x',
    ]);
  });

  it('reads lists, labels and numbers from their cells', async () => {
    const text =
      'prompt\tresponses\tranks\tlabel\tmargin\n[{x\t"[""a"",""b""]"\t[1,null]\tTRUE\t0.5\nq\tnope\t[1]\t0\t\n';
    expect(await all(readCsv(pieces(text, 7), '\t'))).toEqual([
      {
        line: 2,
        value: { prompt: '[{x', responses: ['a', 'b'], ranks: [1, null], label: true, margin: 0.5 },
      },
      { line: 3, error: expect.stringContaining('cell "responses" that is not valid JSON') },
    ]);
  });

  it('reports a quote that never ends', async () => {
    const rows = await all(readCsv(pieces('prompt\na\n"b\n', 4), ','));
    expect(rows.at(-1)?.error).toContain('not valid CSV');
  });
});

describe('plain text', () => {
  it('comes in blocks that join to the file, with their lines', async () => {
    const text = Array.from(
      { length: 9000 },
      (_, i) => `Line ${i} über 😀.${i % 7 === 0 ? '\n' : ''}\n`,
    ).join('');
    const rows = await all(readTextBlocks(pieces(text, 1001)));
    const texts = rows.map((row) => (row.value as { text: string }).text);
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.join('')).toBe(text);
    for (const [i, row] of rows.entries()) {
      expect(row.line).toBe(texts.slice(0, i).join('').split('\n').length);
      if (i < rows.length - 1) expect(texts[i].endsWith('\n\n')).toBe(true);
    }
  });

  it('never cuts a surrogate pair where there is no space', async () => {
    const text = `x${'😀'.repeat(100_000)}`;
    const texts = (await all(readTextBlocks(pieces(text, 999)))).map(
      (row) => (row.value as { text: string }).text,
    );
    expect(texts.join('')).toBe(text);
    for (const part of texts) expect(part).not.toMatch(/\p{Surrogate}/u);
  });

  it('comes line by line as prompts', async () => {
    expect(await all(readTextLines(pieces('a\r\n\n b é', 2)))).toEqual([
      { line: 1, value: { prompt: 'a' } },
      { line: 3, value: { prompt: ' b é' } },
    ]);
  });
});

describe('openRows', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-rows-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (name: string, content: string | Buffer) => {
    await writeFile(join(folder, name), content);
    const { container, rows } = await openRows(join(folder, name));
    return { container, values: (await all(rows)).map((row) => row.value) };
  };

  it('unpacks gzip by content and tells JSON Lines from an array by content', async () => {
    const one = { container: 'jsonl', values: [{ a: 1 }] };
    expect(await read('a.json', '{"a":1}\n')).toEqual(one);
    expect(await read('a.jsonl.gz', gzipSync('{"a":1}\n'))).toEqual(one);
    expect(await read('a.jsonl', gzipSync('{"a":1}\n'))).toEqual(one);
    expect(await read('a.data', ' [{"a":1}]')).toEqual({ container: 'json', values: [{ a: 1 }] });
    expect(await read('empty.jsonl', '')).toEqual({ container: 'jsonl', values: [] });
  });

  it('explains files it cannot read', async () => {
    const packed = gzipSync('{"a":1}\n'.repeat(5000));
    await expect(read('cut.jsonl.gz', packed.subarray(0, packed.length - 20))).rejects.toThrow(
      'incomplete gzip',
    );
    await expect(read('x.bin', 'hello')).rejects.toThrow('unknown kind of file');
    await expect(openRows(join(folder, 'missing.jsonl'))).rejects.toThrow('no such file');
    await expect(openRows(folder)).rejects.toThrow('is a folder');
  });
});
