import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabelQueue } from '../../feedback/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { ProjectQuality } from './project-quality.ts';
import { QualityReader } from './quality-reader.ts';

const dayMs = 24 * 3600_000;
const begin = Date.UTC(2026, 10, 23, 12);
/** Prompts, and texts of two responses: four times as long, as long, as long, as long. */
const items = [
  ['one', 'aaaa', 'b'],
  ['two', 'aa', 'bb'],
  ['three', 'aa', 'bb'],
  ['four', 'aa', 'bb'],
].map(([prompt, first, second]) => ({ prompt, responses: [{ text: first }, { text: second }] }));

let folder: string;
let url: string;
let store: Store;
const ids: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-quality-'));
  url = join(folder, 'tenet.db');
  store = await openStore(url);
  const queue = new LabelQueue(store, 'p');
  await queue.add(items.map((item) => ({ item, overlap: 2 })));
  for await (const { id } of queue.read()) ids.push(id);
  const label = (task: number, annotator: string, ranks: number[], more: object = {}) =>
    queue.submit({
      ...{ id: `${annotator}-of-${task}`, taskId: ids[task], annotator: { id: annotator }, ranks },
      ...{ activeMs: 10_000, idleMs: 1000, judgedAt: begin + task * dayMs },
      ...more,
    });
  // Alike about the first, the other way round about the second; only one of them has seen the third, nobody the fourth.
  await label(0, 'xaver', [1, 2]);
  await label(0, 'yara', [1, 2], { rationale: 'longer is better' });
  await label(1, 'xaver', [1, 2]);
  await label(1, 'yara', [2, 1], { activeMs: undefined });
  await label(2, 'xaver', [1, 2]);
  const judged = [...items, { prompt: 'of another project', responses: items[0].responses }];
  for (const [i, item] of judged.entries()) {
    await store.ledger.append({
      ...{ kind: 'label', project: 'job', item, ranks: i === 2 ? [2, 1] : [1, 2] },
      ...{ judge: { kind: 'ai', id: 'judge' }, usage: { costUsd: 0.01 } },
    });
  }
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe('how a project stands', () => {
  it('says how far people agree, over all and each with the others', async () => {
    const { agreement, annotators } = await new ProjectQuality(store).overview('p');
    // Of two tasks one is ordered alike.
    expect(agreement).toMatchObject({ tasks: 2, annotators: 2, comparisons: 2, same: 0.5 });
    expect(agreement!.agree.estimate).toBe(0.5);
    expect(annotators.map(({ id, labels }) => [id, labels])).toEqual([
      ['xaver', 3],
      ['yara', 2],
    ]);
    expect(annotators.map((one) => one.agreement!.agree.estimate)).toEqual([0.5, 0.5]);
    expect(annotators.map(({ medianMs }) => medianMs)).toEqual([10_000, 10_000]);
  });

  it('puts judges beside people, and counts what of theirs people have checked', async () => {
    const { judges, audits, judgesUsd } = await new ProjectQuality(store).overview('p');
    const [{ judge, labels, agreement }] = judges;
    expect([judge, labels]).toEqual(['judge', 4]);
    // Like both about the first (1), like one of two about the second (½), unlike the only one about the third (0).
    expect(agreement!.agree.estimate).toBeCloseTo((1 + 0.5 + 0) / 3, 12);
    expect(agreement!.comparisons).toBe(5);
    // A second label is wanted for the third, two are for the fourth.
    expect(audits).toEqual({ judged: 4, checked: 3, waiting: 2 });
    // Of five labels four are about the project's items.
    expect(judgesUsd).toBeCloseTo(0.04, 12);
  });

  it('sums time by day', async () => {
    const { days } = await new ProjectQuality(store).overview('p');
    const none = { decisions: 0, skips: 0 };
    expect(days).toEqual([
      { day: '2026-11-23', labels: 2, ...none, activeMs: 20_000, idleMs: 2000, measured: 2 },
      { day: '2026-11-24', labels: 2, ...none, activeMs: 10_000, idleMs: 2000, measured: 1 },
      { day: '2026-11-25', labels: 1, ...none, activeMs: 10_000, idleMs: 1000, measured: 1 },
    ]);
  });

  it('tells agreement apart, and leads from a slice to its tasks and to who said what', async () => {
    const quality = new ProjectQuality(store);
    const byLength = await quality.slices('p', 'length');
    expect(byLength.map(({ name, agreement }) => [name, agreement.agree.estimate])).toEqual([
      ['about as long', 0],
      ['at least twice', 1],
    ]);
    const tasks = async (slice?: string) =>
      (await quality.disagreements('p', slice === undefined ? undefined : { by: 'length', slice })).map(
        ({ taskId, agreement }) => [taskId, agreement],
      );
    expect(await tasks()).toEqual([[ids[1], 0]]);
    expect(await tasks('about as long')).toEqual([[ids[1], 0]]);
    expect(await tasks('at least twice')).toEqual([]);

    const { labels, decision } = await quality.task('p', ids[0]);
    expect(labels.map(({ judge, rationale }) => [judge.id, rationale])).toEqual([
      ['xaver', undefined],
      ['yara', 'longer is better'],
    ]);
    expect(decision).toBeNull();
  });
});

describe('the reader', () => {
  it('counts the same in a thread of its own, and gives an answer again while it is fresh', async () => {
    const reader = new QualityReader({ store, storeUrl: url, freshMs: 3_600_000 });
    try {
      const here = await new ProjectQuality(store).overview('p');
      const first = await reader.overview('p');
      expect({ ...first, asOf: 0 }).toEqual({ ...here, asOf: 0 });
      expect(await reader.overview('p')).toBe(first);
      expect(await reader.slices('p', 'annotator')).toHaveLength(2);
      await expect(reader.task('p', 'no-such')).rejects.toThrow('no-such');
    } finally {
      await reader.close();
    }
  });
});
