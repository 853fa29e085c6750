import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecords, writeRecords } from '../../data/index.ts';
import {
  type LedgerEvent,
  openStore,
  SelectionRecorder,
  type Store,
  selectFromLedger,
} from '../../store/index.ts';
import { onEachDatabase } from '../../store/testing/each-database.ts';
import { importLabels, LABEL_FORMS, LabelQueue, labelFilter, labelRecords } from '../index.ts';

/** All weak orderings of K items, as ranks without gaps: every list of numbers 1 … m that uses each of them. */
function weakOrderings(K: number): number[][] {
  let lists: number[][] = [[]];
  for (let i = 0; i < K; i++) {
    lists = lists.flatMap((list) => Array.from({ length: K }, (_, rank) => [...list, rank + 1]));
  }
  return lists.filter((ranks) => new Set(ranks).size === ranks.reduce((a, b) => Math.max(a, b)));
}

const orders = weakOrderings(4);
const texts = ['Trout, "fresh".', 'A bird,\nI believe.', ' cod', '鳕鱼 🐟'];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-round-trip-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A project in which each ordering is the label of a task of its own, and somebody else's of the first task too. */
async function filled(store: Store): Promise<void> {
  const queue = new LabelQueue(store, 'fish');
  await queue.add(
    orders.map((_, n) => ({
      item: {
        prompt: n % 2 === 0 ? `question ${n}` : [{ role: 'user', content: `question ${n}` }],
        responses: texts.map((text) => ({ text })),
      },
    })),
  );
  let n = 0;
  for await (const { id: taskId } of queue.read()) {
    await queue.submit({
      ...{ id: `label-${n}`, taskId, annotator: { id: 'ann', ...(n % 3 === 0 && { group: 'crowd' }) } },
      ranks: orders[n],
      ...(n % 4 === 0 && { flags: ['all-bad'], rationale: '[no, "list"]', activeMs: 1234 }),
    });
    n++;
  }
  const [first] = await listOf(queue.read());
  const partial = { id: 'partial', taskId: first.id, annotator: { id: 'bob' } };
  await queue.submit({ ...partial, ranks: [2, null, 1, null], flags: ['unsafe'] });
  await queue.submit({
    id: 'flag-only',
    taskId: first.id,
    annotator: { id: 'eve' },
    flags: ['cannot-judge'],
  });
}

/** What stands in a project, whatever it is called by. */
async function judged(store: Store): Promise<object[]> {
  const found: object[] = [];
  for await (const event of store.ledger.read(labelFilter('fish'))) {
    const { ranks, flags, rationale, judge, activeMs, shownOrder, item } = event as LedgerEvent;
    const responses = item!.responses.map(({ text }) => text.trim());
    found.push({ prompt: item!.prompt, responses, ranks, flags, rationale, judge, activeMs, shownOrder });
  }
  return found;
}

it('there are 75 weak orderings of four', () => {
  expect(orders).toHaveLength(75); // https://oeis.org/A000670
});

const extensions = ['jsonl', 'jsonl.gz', 'json', 'csv', 'csv.gz', 'parquet'];

onEachDatabase((database) => {
  let from: Store;
  beforeAll(async () => {
    from = await openStore(await database.passingUrl());
    await filled(from);
  });
  afterAll(() => from.close());

  it.each(extensions)(
    'every label comes back from .%s as it was: who, ranks, flags, rationale, time, order shown',
    async (extension) => {
      const to = await openStore(await database.passingUrl());
      const file = join(folder, `${database.dialect}.${extension}`);
      expect(await writeRecords(file, labelRecords(from, 'fish', { form: 'labels' }))).toBe(77);
      expect(await importLabels(to, 'fish', readRecords(file))).toEqual({
        ...{ rows: 77, labels: 77, known: 0, repeated: 0, unjudged: 0 },
      });
      expect(await judged(to)).toEqual(await judged(from));
      const { tasks, labels, wanted } = await new LabelQueue(to, 'fish').progress();
      expect({ tasks, labels, wanted }).toEqual({ tasks: 75, labels: 77, wanted: 77 });
      // A second time: nothing.
      expect(await importLabels(to, 'fish', readRecords(file))).toMatchObject({ labels: 0, known: 77 });
      expect(await to.ledger.verify()).toMatchObject({ ok: true, head: { count: 77 } });
      await to.close();
    },
  );
});

it.each(LABEL_FORMS)('what %s are made of is recorded as they are read', async (form) => {
  const store = await openStore(':memory:');
  await filled(store);
  const constitution = { hash: `sha256:${'a'.repeat(64)}`, version: '1.0.0' };
  const item = { prompt: 'p', responses: [{ text: 'x' }, { text: 'y' }] };
  await store.ledger.append([
    {
      kind: 'label',
      project: 'fish',
      judge: { kind: 'ai', id: 'j' },
      item,
      ranks: [1, 2],
      principles: ['a', 'b'],
      constitution,
    },
    { kind: 'label', project: 'another', judge: { kind: 'ai', id: 'j' }, item, ranks: [1, 2] },
  ]);
  const head = await store.ledger.head();
  const recorder = new SelectionRecorder(store, labelFilter('fish'), head);
  const rows = labelRecords(store, 'fish', {
    form,
    until: head.count,
    onEvent: (event) => recorder.add(event),
  });
  expect((await listOf(rows)).length).toBeGreaterThan(70);
  expect(recorder.result()).toEqual(await selectFromLedger(store, labelFilter('fish')));
  await store.close();
});

it.each(extensions)(
  'rankings of tasks, and pairs of preferences, tell every ordering apart as .%s',
  async (extension) => {
    const store = await openStore(':memory:');
    const queue = new LabelQueue(store, 'fish');
    await queue.add(
      orders.map((_, n) => ({
        item: { prompt: `question ${n}`, responses: texts.map((text) => ({ text })) },
      })),
    );
    let n = 0;
    for await (const { id: taskId } of queue.read()) {
      await queue.submit({ id: `label-${n}`, taskId, annotator: { id: 'ann' }, ranks: orders[n++] });
    }
    const rankings = join(folder, `rankings.${extension}`);
    await writeRecords(rankings, labelRecords(store, 'fish', { form: 'tasks' }));
    const found: unknown[] = [];
    for await (const { record, format } of readRecords(rankings)) {
      expect(format).toBe('ranking');
      found.push((record as { ranks: number[] }).ranks);
    }
    expect(found).toEqual(orders);

    // A weak ordering is its strict pairs: a response's rank is one more than the levels above it.
    const pairs = join(folder, `pairs.${extension}`);
    await writeRecords(pairs, labelRecords(store, 'fish', { form: 'pairs' }));
    const better = new Map<string, [string, string][]>();
    for await (const { record } of readRecords(pairs)) {
      const { prompt, chosen, rejected } = record as { prompt: string; chosen: string; rejected: string };
      better.set(prompt, [...(better.get(prompt) ?? []), [chosen, rejected]]);
    }
    for (const [k, ranks] of orders.entries()) {
      const won = better.get(`question ${k}`) ?? [];
      const above = (i: number, j: number): boolean =>
        won.some(([chosen, rejected]) => chosen === texts[i] && rejected === texts[j]);
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) expect([k, i, j, above(i, j)]).toEqual([k, i, j, ranks[i] < ranks[j]]);
      }
    }
    await store.close();
  },
);

describe('an import', () => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore(':memory:');
  });
  afterAll(() => store.close());
  const file = async (name: string, rows: readonly object[]): Promise<string> => {
    const path = join(folder, `${name}.jsonl`);
    await writeRecords(path, rows);
    return path;
  };

  it('takes pairs for labels of one task, whichever is preferred', async () => {
    const pair = (chosen: string, rejected: string, annotator: string) => ({
      prompt: 'p',
      chosen,
      rejected,
      annotator,
    });
    const path = await file('pairs', [pair('x', 'y', 'ann'), pair('y', 'x', 'bob'), pair('x', 'y', 'eve')]);
    await importLabels(store, 'pairs', readRecords(path));
    const rows = await listOf(labelRecords(store, 'pairs', { form: 'tasks' }));
    expect(rows).toMatchObject([{ responses: ['x', 'y'], ranks: [1, 2], labels: 3 }]);
    expect((rows[0] as { preferences: number[][] }).preferences[0][1]).toBeCloseTo(2 / 3, 12);
  });

  it('finishes places that wait, and keeps the first of two labels by one annotator', async () => {
    const queue = new LabelQueue(store, 'both');
    const item = { prompt: 'p', responses: [{ text: 'x' }, { text: 'y' }] };
    await queue.add([{ item, overlap: 2 }]);
    const row = { prompt: 'p', responses: ['x', 'y'], ranks: [1, 2], annotator: 'ann' };
    const path = await file('both', [row, { ...row, ranks: [2, 1] }, { ...row, ranks: [null, null] }]);
    expect(await importLabels(store, 'both', readRecords(path))).toEqual({
      ...{ rows: 3, labels: 1, known: 0, repeated: 1, unjudged: 1 },
    });
    expect(await queue.progress()).toMatchObject({ tasks: 1, labels: 1, wanted: 2 });
    expect(await queue.claim({ id: 'ann' })).toEqual([]);
    expect(await queue.claim({ id: 'bob' })).toHaveLength(1);
  });

  it('stores a row that stands twice in a file once, of people and of judges', async () => {
    const row = { prompt: 'p', responses: ['x', 'y'], ranks: [1, 2] };
    const [person, judge] = [
      { ...row, annotator: 7 },
      { ...row, annotator: 'm', judge: 'ai' },
    ];
    const path = await file('twice', [person, person, judge, judge]);
    expect(await importLabels(store, 'twice', readRecords(path))).toMatchObject({
      labels: 2,
      known: 2,
      repeated: 0,
    });
    expect(await store.ledger.count({ project: 'twice' })).toBe(2);
    expect(await new LabelQueue(store, 'twice').progress()).toMatchObject({ tasks: 1, labels: 1 });
    expect(await store.ledger.count({ project: 'twice', judgeId: '7' })).toBe(1);
  });

  it('says which row names nobody, and takes a name for all', async () => {
    const path = await file('nobody', [{ prompt: 'p', chosen: 'x', rejected: 'y' }]);
    await expect(importLabels(store, 'nobody', readRecords(path))).rejects.toThrow(
      /nobody\.jsonl:1 does not say who judged/,
    );
    expect(
      await importLabels(store, 'nobody', readRecords(path), { annotator: 'hh', judge: 'ai' }),
    ).toMatchObject({
      labels: 1,
    });
    const [event] = await listOf(store.ledger.read({ project: 'nobody' }));
    expect(event).toMatchObject({ judge: { kind: 'ai', id: 'hh' }, ranks: [1, 2] });
  });
});

it('writes transcripts like hh-rlhf, and single responses that are better or worse', async () => {
  const store = await openStore(':memory:');
  const queue = new LabelQueue(store, 'fish');
  const prompt = [{ role: 'user', content: 'Name a fish.' }];
  await queue.add([{ item: { prompt, responses: ['Trout.', 'A bird.', 'Cod.'].map((text) => ({ text })) } }]);
  const [{ task }] = await queue.claim({ id: 'ann' });
  await queue.submit({ id: 'l', taskId: task.id, annotator: { id: 'ann' }, ranks: [1, 3, 2] });
  const hh = await listOf(labelRecords(store, 'fish', { form: 'hh' }));
  expect(hh).toHaveLength(3);
  expect(hh[0]).toMatchObject({
    chosen: '\n\nHuman: Name a fish.\n\nAssistant: Trout.',
    rejected: '\n\nHuman: Name a fish.\n\nAssistant: A bird.',
  });
  // Cod is better than one and worse than the other.
  const unpaired = await listOf(labelRecords(store, 'fish', { form: 'unpaired' }));
  expect(unpaired).toMatchObject([
    { completion: [{ role: 'assistant', content: 'Trout.' }], label: true },
    { completion: [{ role: 'assistant', content: 'A bird.' }], label: false },
  ]);
  await store.close();
});

it('lets a decision count instead of the labels that it decided between, also where it ranks nothing', async () => {
  const store = await openStore(':memory:');
  const queue = new LabelQueue(store, 'decided');
  const responses = ['one', 'two'].map((text) => ({ text }));
  await queue.add(['ranked', 'all bad'].map((prompt) => ({ item: { prompt, responses }, overlap: 2 })));
  for (const [annotator, ranks] of [
    ['ann', [1, 2]],
    ['bob', [1, 2]],
  ] as const) {
    for (const { task } of await queue.claim({ id: annotator }, { limit: 2 })) {
      await queue.submit({
        id: `${annotator}-${task.id}`,
        taskId: task.id,
        annotator: { id: annotator },
        ranks,
      });
    }
  }
  for await (const { id: taskId, item } of queue.read()) {
    await queue.escalate(taskId, [`ann-${taskId}`, `bob-${taskId}`]);
    const decision = item.prompt === 'ranked' ? { ranks: [2, 1] } : { flags: ['all-bad'] as const };
    await queue.adjudicate({ id: `decided-${taskId}`, taskId, annotator: { id: 'eve' }, ...decision });
  }
  expect(await listOf(labelRecords(store, 'decided', { form: 'tasks' }))).toMatchObject([
    { prompt: 'ranked', ranks: [2, 1], labels: 1 },
  ]);
  await store.close();
});
