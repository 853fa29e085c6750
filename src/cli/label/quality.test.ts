import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { readRecords } from '../../data/index.ts';
import { type Annotator, judgedTasks, LabelQueue } from '../../feedback/index.ts';
import { openStore } from '../../store/index.ts';
import { labelCommand } from '../commands/label.ts';
import { catchOutput } from '../testing/catch-output.ts';

/** Two annotators who agree, and one who sends the cards back as they stand. */
const people: readonly Annotator[] = [
  { id: 'ann', group: 'staff' },
  { id: 'bob', group: 'staff' },
  { id: 'lazy', group: 'crowd' },
];
const tasks = 40;
const monday = Date.UTC(2026, 10, 2, 9);

let folder: string;
let url: string;
const caught = catchOutput();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-quality-'));
  url = join(folder, 'labels.db');
  const store = await openStore(url);
  const queue = new LabelQueue(store, 'fish');
  await queue.add(
    Array.from({ length: tasks }, (_, n) => ({
      item: {
        prompt: `Name a fish, ${n}.`,
        responses: [{ text: 'A trout.' }, { text: 'A bird, I believe.' }],
      },
      overlap: 3,
      ...(n % 2 === 0 && { gold: { ranks: [1, 2] } }),
      extra: { category: n < 10 ? 'short' : 'long' },
    })),
  );
  await new LabelQueue(store, 'empty').add([
    { item: { prompt: 'Name a bird.', responses: [{ text: 'A wren.' }, { text: 'A trout.' }] } },
  ]);
  for (const [who, annotator] of people.entries()) {
    for (const [n, { task, shownOrder }] of (await queue.claim(annotator, { limit: tasks })).entries()) {
      const honest = annotator.id !== 'lazy';
      await queue.submit({
        ...{ id: `label-${who}-${n}`, taskId: task.id, annotator },
        ranks: honest || shownOrder[0] === 0 ? [1, 2] : [2, 1],
        activeMs: honest ? 12_000 : 400,
        judgedAt: monday + n * 60_000 + (who === 1 ? 7 * 24 * 3600_000 : 0),
      });
    }
  }
  await store.close();
});
afterAll(() => rm(folder, { recursive: true }));

const label = (name: string, ...words: string[]) =>
  labelCommand()
    .option('--json')
    .parseAsync([name, '--store', url, '--project', 'fish', ...words], { from: 'user' });
const json = async (name: string, ...words: string[]) => {
  await label(name, ...words, '--json');
  return JSON.parse(caught.printed.trim().split('\n').at(-1)!);
};

describe('tenet label agreement', () => {
  it('says how far people agree', async () => {
    await label('agreement');
    expect(caught.printed).toMatch(/fish: 40 tasks ranked by more than one of 3 annotators, 120 comparisons/);
    expect(caught.printed).toContain("Krippendorff's alpha, nominal");
  });

  it('tells it apart by pair, group, category and week', async () => {
    const pairs = (await json('agreement', '--by', 'pair')).slices;
    expect(Object.keys(pairs)).toHaveLength(3);
    expect(pairs['ann × bob']).toMatchObject({ tasks: 40, agree: { estimate: 1 }, cohenKappa: 1 });
    expect(pairs['ann × lazy'].agree.estimate).toBe(pairs['bob × lazy'].agree.estimate);
    const groups = (await json('agreement', '--by', 'group')).slices;
    expect(Object.keys(groups).sort()).toEqual(['crowd × staff', 'staff × staff']);
    expect(groups['crowd × staff'].comparisons).toBe(80);
    const categories = (await json('agreement', '--by', 'category')).slices;
    expect(categories).toMatchObject({ short: { tasks: 10 }, long: { tasks: 30 } });
    // Bob labelled a week later: his comparisons are in both weeks.
    const weeks = (await json('agreement', '--by', 'week')).slices;
    expect(Object.keys(weeks)).toEqual(['2026-11-02', '2026-11-09']);
    expect([weeks['2026-11-02'].comparisons, weeks['2026-11-09'].comparisons]).toEqual([120, 80]);
  });

  it('says what to do where nobody can agree', async () => {
    const empty = ['agreement', '--store', url, '--project', 'empty'];
    await expect(labelCommand().parseAsync(empty, { from: 'user' })).rejects.toThrow('--overlap 2');
  });
});

describe('tenet label quality', () => {
  it('tells the annotator apart who does not read', async () => {
    await label('quality');
    expect(caught.printed).toContain('! lazy labels too fast');
    expect(caught.printed).toContain('! lazy gives the order A > B by card in 40 of 40');
    expect(caught.printed).toContain('Agreement by time at work on a label');
    const { annotators, agreement } = await json('quality');
    const [ann, bob, lazy] = annotators;
    expect(ann).toMatchObject({
      annotator: 'ann',
      suspicions: [],
      gold: { tasks: 20, accuracy: { estimate: 1 } },
    });
    expect(bob.reliability.weight).toBeGreaterThan(1);
    expect(lazy).toMatchObject({ suspicions: ['too-fast', 'straight-lining'], tooFast: 1 });
    expect(lazy.reliability.weight).toBeLessThan(0.5);
    expect(Object.keys(agreement.time)).toEqual(['under 10 s', '10–30 s']);
    expect(agreement.session['0–9'].comparisons).toBe(30);
  });
});

describe('tenet label export --weights reliability', () => {
  const soft = async (...words: string[]): Promise<number[]> => {
    const file = join(folder, 'soft.jsonl');
    await label('export', file, ...words);
    const rows = (await readFile(file, 'utf8')).trim().split('\n');
    return rows.map((row) => JSON.parse(row).preferences[0][1]);
  };

  it('makes soft labels in which reliable annotators count more', async () => {
    const equal = await soft();
    const weighted = await soft('--weights', 'reliability');
    expect(new Set(equal)).toEqual(new Set([1, 2 / 3]));
    for (const [i, p] of equal.entries()) expect(weighted[i]).toBeGreaterThan(p === 1 ? 0.99 : 0.85);
    await expect(label('export', 'x.jsonl', '--as', 'labels', '--weights', 'reliability')).rejects.toThrow(
      '--as tasks',
    );
  });
});

describe('tenet label export', () => {
  /** Every way to rank four with ties: the ordered Bell number 75. */
  const orders = Array.from({ length: 4 ** 4 }, (_, n) =>
    [0, 1, 2, 3].map((i) => (Math.floor(n / 4 ** i) % 4) + 1),
  ).filter((ranks) =>
    Array.from({ length: Math.max(...ranks) }, (_, i) => i + 1).every((rank) => ranks.includes(rank)),
  );

  it('keeps all 75 weak orderings of four responses, with and without unjudged ones', async () => {
    expect(orders).toHaveLength(75);
    const random = new Random(1);
    const all = [...orders, ...orders.slice(0, 10).map(([a, b, c]) => [a, b, c, null])];
    const store = await openStore(url);
    const queue = new LabelQueue(store, 'orders');
    await queue.add(
      all.map((_, n) => ({
        item: {
          prompt: `Rank, ${n}.`,
          responses: ['w', 'x', 'y', 'z'].map((text) => ({ text: `${text} ${n}` })),
        },
      })),
    );
    for (const { task } of await queue.claim({ id: 'ann' }, { limit: all.length })) {
      const ranks = all[Number(/\d+/.exec(String(task.item.prompt))![0])];
      await queue.submit({
        id: `order-${random.uint32()}`,
        taskId: task.id,
        annotator: { id: 'ann' },
        ranks,
      });
    }
    expect(await judgedTasks(store, 'orders')).toHaveLength(all.length);
    await store.close();
    const dense = (ranks: readonly (number | null)[]) => {
      const levels = [...new Set(ranks.filter((rank) => rank !== null))].sort((a, b) => a - b);
      return ranks.map((rank) => (rank === null ? null : levels.indexOf(rank) + 1));
    };
    for (const form of ['tasks', 'labels']) {
      for (const ending of ['jsonl', 'json', 'csv', 'jsonl.gz']) {
        const file = join(folder, `orders-${form}.${ending}`);
        await labelCommand().parseAsync(
          ['export', file, '--store', url, '--project', 'orders', '--as', form],
          { from: 'user' },
        );
        let rows = 0;
        for await (const { record } of readRecords(file)) {
          const { prompt, ranks } = record as { prompt: string; ranks: (number | null)[] };
          const n = Number(/\d+/.exec(prompt)![0]);
          expect([file, n, ranks]).toEqual([file, n, dense(all[n])]);
          rows++;
        }
        expect(rows).toBe(all.length);
      }
    }
    // Pairs say for each two responses which is better, and nothing of those that are level.
    const file = join(folder, 'orders-pairs.jsonl');
    await labelCommand().parseAsync(
      ['export', file, '--store', url, '--project', 'orders', '--as', 'pairs'],
      {
        from: 'user',
      },
    );
    const found = new Set<string>();
    for await (const { record } of readRecords(file)) {
      const { chosen, rejected } = record as { chosen: string; rejected: string };
      found.add(`${chosen} > ${rejected}`);
    }
    const wanted = all.flatMap((ranks, n) =>
      ranks.flatMap((a, i) =>
        ranks.flatMap((b, j) =>
          a !== null && b !== null && a < b ? [`${'wxyz'[i]} ${n} > ${'wxyz'[j]} ${n}`] : [],
        ),
      ),
    );
    expect([...found].sort()).toEqual(wanted.sort());
  });
});
