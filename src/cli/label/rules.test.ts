import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabelQueue } from '../../feedback/index.ts';
import { openStore } from '../../store/index.ts';
import { labelCommand } from '../commands/label.ts';
import { catchOutput } from '../testing/catch-output.ts';

let folder: string;
let url: string;
const caught = catchOutput();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-rules-'));
  url = join(folder, 'labels.db');
});
afterAll(() => rm(folder, { recursive: true }));

/** @returns what it prints */
async function label(...words: string[]): Promise<string> {
  caught.printed = '';
  await labelCommand()
    .option('--json')
    .parseAsync([words[0], '--store', url, '--project', 'fish', ...words.slice(1)], { from: 'user' });
  return caught.printed;
}

async function file(name: string, rows: readonly object[]): Promise<string> {
  const path = join(folder, `${name}.jsonl`);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

const responses = ['A trout.', 'A bird.'];

describe('a project with rules', () => {
  it('is the usual one where nothing but its test has been made', async () => {
    const gold = await file('usual', [{ prompt: 'Name a fish.', responses, ranks: [1, 2] }]);
    const store = ['--store', join(folder, 'usual.db')];
    const at = (...words: string[]) =>
      labelCommand()
        .option('--json')
        .parseAsync([words[0], ...store, ...words.slice(1)], { from: 'user' });
    await at('create', gold, '--ranks', 'gold', '--qualification');
    await at('rules');
    expect(caught.printed).toContain('Annotators first answer 1 question');
  });

  it('may begin with its test, before there are tasks', async () => {
    const gold = await file('first', [{ prompt: 'Name a fish.', responses, ranks: [1, 2] }]);
    const own = ['--project', 'begun'];
    await label('create', gold, '--ranks', 'gold', '--qualification', ...own);
    expect(await label('rules', '--pass', '0.9', ...own)).toMatch(
      /first answer 1 question, and pass with 90\.0 %/,
    );
    await expect(label('rules', '--project', 'begum')).rejects.toThrow('no label tasks yet');
  });

  it('tests annotators with questions that have answers, and shows who has passed', async () => {
    const tasks = await file('tasks', [{ prompt: 'Name a fish.', responses }]);
    await label('create', tasks);
    await expect(label('rules', '--pass', '0.9')).rejects.toThrow(/has no questions[\s\S]*--qualification/);
    await expect(label('create', tasks, '--qualification')).rejects.toThrow('has no right answer');
    const gold = await file(
      'gold',
      ['one', 'two'].map((prompt) => ({ prompt, responses, ranks: [1, 2] })),
    );
    expect(await label('create', gold, '--ranks', 'gold', '--qualification')).toMatch(
      /2 new questions in the qualification test of project fish.*2 in all/,
    );
    expect(await label('rules')).toMatch(
      /first answer 2 questions, and pass with 80\.0 % of the pairs right; up to 2 times, 24 hours apart/,
    );
    const rules = JSON.parse(
      await label(
        'rules',
        '--pass',
        '0.5',
        '--questions',
        '1',
        '--retakes',
        '0',
        '--exempt',
        'lead',
        '--json',
      ),
    );
    expect(rules).toMatchObject({
      ...{ type: 'label-rules', questions: 2, furtherLabels: null },
      qualification: { pass: 0.5, questions: 1, retakes: 0, exempt: ['lead'] },
    });
    expect(await label('quality')).toContain('Nobody has begun the qualification test.');

    const store = await openStore(url);
    const queue = new LabelQueue(store, 'fish');
    for (const [id, ranks] of [
      ['ann', [1, 2]],
      ['bob', [2, 1]],
    ] as const) {
      // biome-ignore format: pairs
      const [{ task }] = await queue.claim({ id });
      await queue.submit({ id: `answer-${id}`, taskId: task.id, annotator: { id }, ranks });
    }
    await store.close();
    const shown = await label('quality');
    expect(shown).toMatch(/ann +passed +1 of 1 +1 of 1 +100\.0 %/);
    expect(shown).toMatch(/bob +failed +1 of 1 +1 of 1 +0\.0 %/);
    expect(JSON.parse(await label('quality', '--json')).qualification.bob).toMatchObject({
      status: 'failed',
    });
    expect(await label('rules', '--no-qualification')).toContain('No qualification test.');
  });

  it('asks for further labels, and says so', async () => {
    expect(await label('rules', '--most-labels', '4', '--agreement', '0.6', '--no-adjudicate')).toContain(
      'Where labels agree on less than 60.0 % of the pairs, further ones are asked for, up to 4; then all count.',
    );
    expect(await label('rules', '--adjudicate')).toContain('then an adjudicator decides');
    expect(await label('rules', '--no-further-labels')).toContain('as many labels as they were made with');
  });
});

it('puts open tasks into another order', async () => {
  const rows = [1, 2, 3].map((n) => ({ prompt: `question ${n}`, responses }));
  await label('create', await file('more', rows));
  const scores = await file('scores', [
    { ...rows[2], priority: 3 },
    { ...rows[0], preferences: [[null, 0.5], [0.5, null]], ranks: [1, 1] }, // biome-ignore format: a matrix
  ]);
  expect(await label('prioritise', scores)).toContain(
    '2 of 4 open tasks in project fish have a new priority',
  );
  const store = await openStore(url);
  const claimed = await new LabelQueue(store, 'fish').claim({ id: 'kim' }, { limit: 2 });
  await store.close();
  expect(claimed.map(({ task }) => task.item.prompt)).toEqual(['question 3', 'question 1']);
  await expect(label('prioritise')).rejects.toThrow('Give one source of priorities');
  await expect(label('prioritise', scores, '--job', 'x')).rejects.toThrow('Give one source of priorities');
  await expect(label('prioritise', '--job', 'nothing')).rejects.toThrow('has no labels of a job "nothing"');
});

it('imports labels, and says what it left out', async () => {
  const row = { prompt: 'Name a fish.', responses, ranks: [1, 2], annotator: 'eve' };
  const path = await file('labels', [
    row,
    { ...row, ranks: [2, 1] },
    { ...row, annotator: 'max', ranks: [null, null] },
  ]);
  expect(await label('import', path)).toMatch(
    /1 label imported into project fish[\s\S]*1 row left out: the annotator has another[\s\S]*1 row left out: nothing/,
  );
  expect(JSON.parse(await label('import', path, '--json'))).toMatchObject({
    labels: 0,
    known: 1,
    repeated: 1,
  });
  const pairs = await file('pairs', [{ prompt: 'Name a bird.', chosen: 'A wren.', rejected: 'A cod.' }]);
  await expect(label('import', pairs)).rejects.toThrow('--annotator');
  expect(await label('import', pairs, '--annotator', 'hh')).toContain('1 label imported');
});
