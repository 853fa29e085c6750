import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { loadTokenizer, trainBpe } from '../text/index.ts';
import { checkFile } from './check-file.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { formatReport } from './format-report.ts';
import { LengthList } from './quantiles.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-check-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, rows: object[]) => {
  const path = join(folder, name);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
};

describe('checkFile', () => {
  it('finds every kind of problem, with line and field', async () => {
    const path = await file('pairs.jsonl', [
      { prompt: 'one two three', chosen: 'a b', rejected: 'c' },
      { prompt: 'q', chosen: 'same', rejected: ' same ' },
      { prompt: '', chosen: 'x', rejected: 'y' },
      { prompt: 'one two three', chosen: 'a b', rejected: 'c' },
      { prompt: 'q', chosen: 'x' },
    ]);
    const report = await checkFile(path);
    expect(report).toMatchObject({
      format: 'preference',
      rows: 5,
      badRows: 1,
      unit: 'words',
      conversational: 0,
    });
    expect(report.counts).toEqual({ 'bad row': 1, 'identical responses': 1, empty: 1, duplicate: 1 });
    expect(report.problems.map(({ line, kind, field }) => [line, kind, field])).toEqual([
      [2, 'identical responses', 'rejected'],
      [3, 'empty', 'prompt'],
      [4, 'duplicate', ''],
      [5, 'bad row', 'rejected'],
    ]);
    // Prompts have 3, 1, 0, 3 words; sorted 0 1 3 3: the 2nd is the median and the 4th the 90 % quantile.
    expect(report.lengths.prompt).toEqual({ count: 4, min: 0, median: 1, p90: 3, max: 3, sum: 7 });
    const printed = formatReport(report);
    expect(printed).toContain('rows       5, 1 of them bad');
    expect(printed).toContain(`${path}:2 rejected: is the same text as chosen, yet ranked differently`);
    expect(formatReport(report, { problems: 0 })).toContain('… and 1 more');
  });

  it('looks into rankings and conversations', async () => {
    const rankings = await file('rankings.jsonl', [
      { prompt: 'p', responses: ['a', 'b', 'a'], ranks: [1, 2, 3] },
      { prompt: 'p', responses: ['a', 'b'], ranks: [1, 1] },
      { prompt: 'p', responses: ['a', 'b'], ranks: [1, null] },
      { prompt: 'p', responses: ['a', 'a', 'b'], ranks: [1, 1, 2] },
      { prompt: 'p', responses: ['a', 'a', 'b'], ranks: [null, 1, 2] },
      { prompt: 'p', responses: ['a', 'b'], ranks: [null, null], preferences: [[null, 0.6], [0.4, null]] }, // biome-ignore format: a matrix
    ]);
    const { counts, problems } = await checkFile(rankings);
    expect(counts).toEqual({ 'identical responses': 1, 'nothing to compare': 2 });
    expect(problems[0]).toMatchObject({ line: 1, field: 'responses[2]' });
    const chats = await file('chats.jsonl', [
      { messages: [{ role: 'user', content: 'a' }] },
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: ' ' },
        ],
      },
    ]);
    expect((await checkFile(chats)).counts).toEqual({ 'no assistant turn': 1, empty: 1 });
  });

  it('measures in tokens, with truncation and control tokens', async () => {
    const { tokenizer } = await trainBpe(['abc'], { vocabSize: 257 });
    const path = await file('texts.jsonl', [
      { prompt: 'abcd', completion: 'ef' }, // 4 + 2 + eos = 7
      { prompt: 'abcdefgh', completion: 'i' }, // 8 + 1 + eos = 10
      { prompt: 'x', completion: '<|endoftext|>' }, // the name of eos, which is then not added again
    ]);
    const report = await checkFile(path, { tokenizer, maxLength: 8 });
    expect(report.unit).toBe('tokens');
    expect(report.lengths.whole).toMatchObject({ min: 2, median: 7, max: 10, sum: 19 });
    expect(report.truncation).toEqual({ maxLength: 8, tooLong: 1, responseLost: 1 });
    expect(report.counts).toEqual({ 'too long': 1, 'special token in text': 1 });
    expect(report.problems[0].problem).toBe(
      'has 10 tokens, over 8; its prompt alone takes 8, so no response would be left',
    );
  });

  it('reports rows that the template refuses instead of failing', async () => {
    const { tokenizer } = await trainBpe(['abc'], { vocabSize: 257 });
    const strict = tokenizer.withChatTemplate("{{ raise_exception('roles must alternate') }}");
    const path = await file('refused.jsonl', [{ messages: [{ role: 'assistant', content: 'a' }] }]);
    const report = await checkFile(path, { tokenizer: strict });
    expect(report.problems).toMatchObject([{ kind: 'cannot be encoded', line: 1 }]);
    expect(report.problems[0].problem).toContain('roles must alternate');
  });

  it('finds prompts shared with another file, word for word and nearly', async () => {
    const words = 'the quick brown fox jumps over the lazy dog near the river bank today';
    const train = await file('train.jsonl', [
      { prompt: 'What is new in the world?', completion: 'a' },
      { prompt: `${words} again`, completion: 'b' },
      { prompt: 'Something else altogether, I think.', completion: 'c' },
    ]);
    const test = await file('test.jsonl', [{ prompt: words }, { prompt: 'what is NEW in the world' }]);
    const report = await checkFile(train, { against: test });
    expect(report.against).toEqual({ file: test, rows: 2, exact: 1, near: 1 });
    expect(report.problems.map(({ line, problem }) => [line, problem])).toEqual([
      [1, `its prompt is also in ${test} line 2 (the same words)`],
      [2, `its prompt is also in ${test} line 1 (similarity 0.92)`], // 12 of 13 runs of three words
    ]);
  });

  it('reads the other file under the same names, which it may have already', async () => {
    const train = await file('train.jsonl', [{ question: 'One, two, three?', completion: 'c' }]);
    const fields = { prompt: 'question' };
    for (const row of [{ question: 'one two three' }, { prompt: 'one two three' }]) {
      const test = await file('test.jsonl', [row]);
      const { against } = await checkFile(train, { against: test, fields });
      expect(against).toEqual({ file: test, rows: 1, exact: 1, near: 0 });
    }
  });

  it('examines the real files', async () => {
    const [dpo, model] = [sharedData('instructions/preferences-dpo.json'), sharedData('models/stories260K')];
    if (dpo === null || model === null) return;
    const report = await checkFile(dpo, { tokenizer: await loadTokenizer(model), maxLength: 1024 });
    expect(report).toMatchObject({ format: 'sharegpt-preference', container: 'json', rows: 300, badRows: 0 });
    // The 5 repeated rows were counted with Python's json and a set.
    expect(report.counts.duplicate).toBe(5);
    expect(report.conversational).toBe(300);
    expect(report.counts['too long']).toBe(report.truncation!.tooLong);
  });
});

describe('FingerprintSet and LengthList', () => {
  it('remember what they were given, beyond their first size', () => {
    const set = new FingerprintSet();
    for (let i = 0; i < 5000; i++) expect(set.add(`text ${i}`)).toBe(false);
    for (let i = 0; i < 5000; i++) expect(set.add(`text ${i}`)).toBe(true);
    const list = new LengthList();
    for (let i = 1; i <= 5000; i++) list.add(i);
    expect(list.summary()).toEqual({
      count: 5000,
      min: 1,
      median: 2500,
      p90: 4500,
      max: 5000,
      sum: 12502500,
    });
    expect(new LengthList().summary()).toEqual({ count: 0, min: 0, median: 0, p90: 0, max: 0, sum: 0 });
  });
});
