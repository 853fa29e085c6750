import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catchOutput } from '../testing/catch-output.ts';
import { dataCommand } from './data.ts';

let folder: string;
const caught = catchOutput();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-data-'));
  const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ q: `question ${i}`, a: `answer ${i}` }));
  await writeFile(join(folder, 'in.jsonl'), `${rows.join('\n')}\n`);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const run = (...words: string[]) => dataCommand().option('--json').parseAsync(words, { from: 'user' });
const fields = ['--field', 'prompt=q', '--field', 'completion=a'];

describe('tenet data', () => {
  it('check prints a report, or JSON', async () => {
    await run('check', join(folder, 'in.jsonl'), ...fields, '--max-length', '3');
    expect(caught.printed).toContain('TRL prompt-completion {prompt, completion}');
    expect(caught.printed).toContain('over 3 words: 40 (100.0 %)');
    expect(process.exitCode).toBeUndefined();
    caught.printed = '';
    await run('check', join(folder, 'in.jsonl'), '--field', 'prompt=q', '--json');
    expect(JSON.parse(caught.printed)).toMatchObject({ type: 'data-check', format: 'prompt-only', rows: 40 });
  });

  it('check exits with 2 for bad rows', async () => {
    await writeFile(join(folder, 'bad.jsonl'), '{"prompt":"a"}\n{"prompt":1}\n');
    await run('check', join(folder, 'bad.jsonl'));
    expect(caught.printed).toContain('bad.jsonl:2 prompt: expected a text or a list of messages');
    expect(process.exitCode).toBe(2);
  });

  it('skips bad rows without being told where to, and says where they are', async () => {
    const file = join(folder, 'bad.jsonl');
    await writeFile(file, '{"prompt":"a"}\n{"prompt":1}\n{"prompt":"b"}\n');
    const parts = join(folder, 'parts');
    await run('split', file, '--output', parts, '--on-bad-row', 'skip');
    await run('convert', file, join(folder, 'out.jsonl'), '--to', 'prompt-only', '--on-bad-row', 'skip');
    for (const place of [parts, folder]) {
      const skipped = join(place, 'bad-rows-bad.jsonl.jsonl');
      expect(caught.printed).toContain(`1 bad rows skipped, written to ${skipped}`);
      expect(JSON.parse(await readFile(skipped, 'utf8'))).toMatchObject({ line: 2, row: { prompt: 1 } });
    }
  });

  it('split replaces no part by itself, since a second call would lose the other parts', async () => {
    const file = join(folder, 'train.jsonl');
    const content = '{"prompt":"a"}\n{"prompt":"b"}\n';
    await writeFile(file, content);
    await expect(run('split', file, '--output', folder)).rejects.toThrow(
      `the part train would replace ${file}, which is to be split; give another folder with --output`,
    );
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  it('convert writes the other format', async () => {
    const output = join(folder, 'out.jsonl');
    await run('convert', join(folder, 'in.jsonl'), output, ...fields, '--to', 'language-modeling');
    expect(caught.printed).toContain('40 language-modeling records from 40 prompt-completion rows');
    expect((await readFile(output, 'utf8')).split('\n')[1]).toBe('{"text":"question 1answer 1"}');
  });

  it('split writes the parts', async () => {
    const out = join(folder, 'parts');
    await run(
      'split',
      join(folder, 'in.jsonl'),
      ...fields,
      '--output',
      out,
      '--fractions',
      'train=0.5,test=0.5',
      '--gzip',
    );
    expect(await readdir(out)).toEqual(['test.jsonl.gz', 'train.jsonl.gz']);
    expect(caught.printed).toMatch(/train\.jsonl\.gz: \d+ rows/);
  });
});
