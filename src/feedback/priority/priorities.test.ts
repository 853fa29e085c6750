import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type NewEvent, openStore, type Store } from '../../store/index.ts';
import { LabelQueue, lookUp, prioritiesOfFile, prioritiesOfJob, prioritiseTasks } from '../index.ts';

let store: Store;
let folder: string;
let queue: LabelQueue;
let projects = 0;
beforeAll(async () => {
  store = await openStore(':memory:');
  folder = await mkdtemp(join(tmpdir(), 'tenet-priorities-'));
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  queue = new LabelQueue(store, `project ${++projects}`);
  await queue.add(
    ['a', 'b', 'c', 'd'].map((name) => ({
      item: {
        prompt: [{ role: 'user', content: name }],
        responses: [{ text: 'x', model: 'm' }, { text: 'y' }],
      },
    })),
  );
});
const order = async (): Promise<string> => {
  const claimed = await queue.claim({ id: 'ann' }, { limit: 9 });
  return claimed
    .map(({ task }) => (task.item.prompt as readonly { readonly content: string }[])[0].content)
    .join('');
};
const file = async (rows: readonly unknown[]): Promise<string> => {
  const path = join(folder, `${projects}.jsonl`);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
};

it('come from rows: numbers, soft labels, scores of an ensemble; by id or by content', async () => {
  const ids: string[] = [];
  for await (const { id } of queue.read()) ids.push(id);
  const responses = ['x', 'y'];
  const path = await file([
    { task: ids[3], priority: 0.9 },
    // Surer than one half: 1 − |2 · 0.75 − 1| = 0.5.
    { prompt: 'b', responses, ranks: [1, 2], preferences: [[null, 0.75], [0.25, null]] }, // biome-ignore format: a matrix
    // Both are sure, and contradict each other: nearly 1.
    { prompt: 'c', responses, members: [[9, 0], [0, 9]] }, // biome-ignore format: a matrix
  ]);
  const found = await prioritiseTasks(queue, lookUp(await prioritiesOfFile(path)));
  expect(found).toEqual({ open: 4, found: 3 });
  expect(await order()).toBe('cdba');
});

it('come from a comparison job: what the judge is least sure of first', async () => {
  await store.ledger.append(
    Object.entries({ a: 0.99, b: 0.5, c: 0.2, d: 0.7 }).map(
      ([name, p]): NewEvent => ({
        ...{ kind: 'label', project: `job ${projects}`, judge: { kind: 'ai', id: 'j' }, ranks: [1, 2] },
        item: { prompt: name, responses: [{ text: 'x' }, { text: 'y' }] },
        ...{ probabilities: [p, 1 - p], probabilityMethod: 'log-probs', extra: { item: name } },
      }),
    ),
  );
  await prioritiseTasks(queue, lookUp(await prioritiesOfJob(store, `job ${projects}`)));
  expect(await order()).toBe('bdca');
});

it('leave alone what is done', async () => {
  const [{ task }] = await queue.claim({ id: 'ann' });
  await queue.submit({ id: `l-${projects}`, taskId: task.id, annotator: { id: 'ann' }, ranks: [1, 2] });
  const path = await file([{ task: task.id, priority: 5 }]);
  expect(await prioritiseTasks(queue, lookUp(await prioritiesOfFile(path)))).toEqual({ open: 3, found: 0 });
});

it.each<[string, object, RegExp]>([
  ['no task', { priority: 1 }, /:1: names no task/],
  ['nothing about it', { prompt: 'a', responses: ['x', 'y'] }, /:1: says no priority/],
  ['members that do not fit', { prompt: 'a', responses: ['x', 'y'], members: [[1]] }, /:1: says no priority/],
])('say which row names %s', async (_, row, message) => {
  await expect(prioritiesOfFile(await file([row]))).rejects.toThrow(message);
});
