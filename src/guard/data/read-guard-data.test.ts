import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../base/testing.ts';
import { temporaryFolder } from '../../train/testing/context.ts';
import { toGuardRow } from './guard-example.ts';
import { readGuardData } from './read-guard-data.ts';

function file(name: string, content: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}
const rows = (...all: readonly object[]): string => all.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('readGuardData', () => {
  it('reads what it writes', async () => {
    const row = {
      ...{ prompt: 'How?', completion: 'So.', harmful: { prompt: true, completion: false } },
      ...{ categories: ['theft'], source: 'mine', technique: 'cipher', request: 'how', split: 'test' },
    };
    const { examples } = await readGuardData(file('own.jsonl', rows(row)));
    expect(examples).toMatchObject([
      {
        id: 'own/1',
        prompt: [{ role: 'user', content: 'How?' }],
        ...{ answer: 'So.', harmfulPrompt: true, harmfulAnswer: false, categories: ['theft'] },
        ...{ source: 'mine', technique: 'cipher', request: 'how', split: 'test' },
      },
    ]);
    const again = await readGuardData(file('own.jsonl', rows(toGuardRow(examples[0]))));
    expect({ ...again.examples[0], id: 'own/1' }).toEqual(examples[0]);
  });

  it('reads judged cases, findings of red-teaming, and dialogues without their tags', async () => {
    const cases = await readGuardData(
      file(
        'cases.jsonl',
        rows(
          ...[
            { messages: [{ role: 'user', content: 'a' }], label: 'harmful', source: 'ledger:g', family: 'f' },
          ],
          {
            messages: [{ role: 'user', content: 'a' }],
            ...{ response: 'b', label: 'harmless', source: 'ledger:g', family: 'f' },
          },
        ),
      ),
    );
    expect(cases.examples.map((one) => [one.harmfulPrompt, one.harmfulAnswer, one.source])).toEqual([
      [true, null, 'ledger:g'],
      [null, false, 'ledger:g'],
    ]);
    const findings = await readGuardData(
      file(
        'f.jsonl',
        rows({ prompt: 'x', completion: 'y', label: false, technique: 'rot13', category: 'c' }),
      ),
    );
    expect(findings.examples[0]).toMatchObject({
      harmfulAnswer: true,
      technique: 'rot13',
      categories: ['c'],
    });
    const replies = await readGuardData(
      file(
        'replies.jsonl',
        rows({ question: 'q', response: 'You: One. Friend: And? You: Two.', morality_label: 'bad' }),
      ),
    );
    expect(replies.examples[0]).toMatchObject({
      answer: 'One.\n\nTwo.',
      harmfulPrompt: null,
      harmfulAnswer: true,
    });
  });

  it('takes the side of a preference that the caller says', async () => {
    const path = file('pairs.jsonl', rows({ prompt: 'p', chosen: ' good', rejected: ' bad' }));
    const [harmless] = (await readGuardData(path, { as: 'harmless' })).examples;
    const [harmful] = (await readGuardData(path, { as: 'harmful', answersOnly: true })).examples;
    expect(harmless).toMatchObject({
      answer: 'good',
      harmfulPrompt: false,
      harmfulAnswer: false,
      categories: [],
    });
    expect(harmful).toMatchObject({
      answer: 'bad',
      harmfulPrompt: null,
      harmfulAnswer: true,
      categories: null,
    });
    const lines = await readGuardData(file('list.txt', 'one\n\ntwo\n'), { as: 'harmful' });
    expect(lines.examples.map(({ request }) => request)).toEqual(['one', 'two']);
  });

  it('names every bad row by file, line and field', async () => {
    const path = file(
      'bad.jsonl',
      `${rows({ question: 'q', response: 'r', morality_label: 'bad' }, { question: '', response: 'r', morality_label: 'evil' })}{oops\n`,
    );
    await expect(readGuardData(path)).rejects.toThrow(
      /2 of 3 rows cannot be used as labelled replies:\n {2}.*bad\.jsonl:2: question: .*\n {2}.*bad\.jsonl:3: /,
    );
    const flags = file('flags.jsonl', rows({ prompt: 'p', harmful: true }));
    await expect(readGuardData(flags)).rejects.toThrow(
      'flags.jsonl:1: harmful: must say of what, {"prompt": true, "completion": false}',
    );
  });

  it('says when there is no file', async () => {
    await expect(readGuardData('nope.jsonl')).rejects.toThrow('There is no file nope.jsonl.');
  });

  it('says what it knows where data do not say what is harmful', async () => {
    const path = file('plain.jsonl', rows({ prompt: 'p', completion: 'c' }));
    await expect(readGuardData(path)).rejects.toThrow(
      /does not say what is harmful: its rows have prompt, completion.*AdvBench \(goal, target\).*--harmful FILE/,
    );
  });
});

const data = sharedData('redteam');
describe.skipIf(data === null)('published data (skipped without the shared data)', () => {
  // Rows of the files, counted with Python's csv and json; harmful answers as people and judges labelled them.
  it.each([
    ['advbench_harmful_behaviors.csv', 520, 520, 520],
    ['harmbench_val.csv', 60, 60, 0],
    ['xstest_prompts.csv', 450, 200, 0],
    ['xstest_completions_llama2orig.csv', 450, 200, 0],
    ['xstest_completions_mistralinstruct.csv', 450, 200, 128],
    ['false-refusal-mitre.json', 400, 0, 0],
    ['labelled-replies.train.jsonl.gz', 2400, 0, 2400],
    ['jailbreakbench/PAIR__black_box__vicuna-13b-v1.5.json', 82, 82, 69],
    ['jailbreakbench/JBC__manual__vicuna-13b-v1.5.json', 100, 100, 90],
  ])('%s', async (name, count, prompts, answers) => {
    const { examples } = await readGuardData(join(data!, name));
    expect(examples).toHaveLength(count);
    expect(examples.filter(({ harmfulPrompt }) => harmfulPrompt)).toHaveLength(prompts);
    expect(examples.filter(({ harmfulAnswer }) => harmfulAnswer)).toHaveLength(answers);
    expect(new Set(examples.map(({ id }) => id)).size).toBe(count);
  });
});
