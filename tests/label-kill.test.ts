/** Annotators' processes are killed at random moments: no acknowledged label is lost, none is doubled. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import { openStore } from '../src/store/index.ts';
import { onEachDatabase } from '../src/store/testing/each-database.ts';
import { startAcknowledging } from './fixtures/acknowledging-process.ts';
import { compiled } from './fixtures/compiled.ts';

const script = compiled('tests/fixtures/annotator-worker.ts');
const tasks = 16;
const kills = 2;
const overlap = 2;

onEachDatabase((database) => {
  it('keeps every label that it has acknowledged, once, and its task with it', async () => {
    const url = await database.newUrl();
    const store = await openStore(url);
    const queue = new LabelQueue(store, 'fish');
    await queue.add(
      Array.from({ length: tasks }, (_, i) => ({
        ...{ item: { prompt: `prompt ${i}`, responses: [{ text: 'a' }, { text: 'b' }] }, overlap },
      })),
    );

    // Step 1. Three annotators; two are killed at work, and somebody else comes.
    const acknowledged = new Set<string>();
    const random = new Random(3);
    let started = 0;
    const start = () => startAcknowledging([script, url, `p${started++}`], acknowledged);
    const annotators = [start(), start(), start()];
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      await annotators[i].begun;
      await sleep(random.int(40));
      annotators[i].kill();
      if ((await annotators[i].ended) === null) killed++;
      annotators[i] = start();
    }
    expect(await Promise.all(annotators.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(killed).toBeGreaterThan(0);

    // Step 2. Count.
    const known = new Map<
      string,
      { readonly task: string; readonly judge: string; readonly stands: boolean }
    >();
    for await (const { id, taskId, judge, supersededBy } of store.ledger.read()) {
      known.set(id, { task: taskId!, judge: judge.id, stands: supersededBy === null });
    }
    expect([...acknowledged].filter((id) => !known.has(id))).toEqual([]);
    const standing = [...known].filter(([id, { stands }]) => stands && !id.startsWith('skip'));
    expect(standing).toHaveLength(tasks * overlap);
    // No task has two labels of one annotator.
    expect(new Set(standing.map(([, { task, judge }]) => `${task} ${judge}`)).size).toBe(tasks * overlap);
    const { labels, wanted, complete, leased } = await queue.progress();
    expect({ labels, wanted, complete, leased }).toEqual({
      ...{ labels: tasks * overlap, wanted: tasks * overlap, complete: tasks, leased: 0 },
    });
    // Each done place names the event that ended it, and no draft is left of a label.
    for await (const { status, result } of store.queue('labels:fish').read()) {
      expect(known.has((result as { event: string }).event)).toBe(true);
      expect(['done', 'failed']).toContain(status);
    }
    for (const [, { task, judge }] of standing) expect(await queue.draft(task, judge)).toBeNull();
    expect(await store.ledger.verify()).toMatchObject({ ok: true, missingGuards: [] });
    await store.close();
  }, 120_000);
});
