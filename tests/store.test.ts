/** Several processes write to one store and are killed at random moments: nothing acknowledged is lost or doubled. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { onEachDatabase } from '../src/store/testing/each-database.ts';
import { startAcknowledging } from './fixtures/acknowledging-process.ts';
import { compiled } from './fixtures/compiled.ts';

const script = compiled('tests/fixtures/store-worker.ts');
const items = 100;
const kills = 3;

onEachDatabase((database) => {
  it('keeps everything that it has acknowledged, once', async () => {
    const url = await database.newUrl();
    const store = await openStore(url);
    const ids = Array.from({ length: items }, (_, i) => String(i));
    await store.queue('work').add(ids.map((id) => ({ id, payload: null, maxAttempts: null })));

    // Step 1. Three workers; now and then one is killed and another takes its place.
    const acknowledged = new Set<string>();
    const random = new Random(7);
    let started = 0;
    const start = () => startAcknowledging([script, url, `w${started++}`], acknowledged);
    const workers = [start(), start(), start()];
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      const place = i % workers.length;
      await workers[place].begun;
      await sleep(random.int(60));
      workers[place].kill();
      if ((await workers[place].ended) === null) killed++;
      workers[place] = start();
    }
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(killed).toBeGreaterThan(0);

    // Step 2. Count.
    const found = await contentsOf(store);
    expect([...acknowledged].filter((line) => !found.has(line))).toEqual([]);
    expect(
      ids.filter((id) => !['cached', 'labelled', 'done'].every((what) => found.has(`${what} ${id}`))),
    ).toEqual([]);
    expect(await store.ledger.count({ kinds: ['label'] })).toBe(items);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, missingGuards: [] });
    for (const id of ids) {
      const answer = await store.calls.get(`key-${id}`);
      expect(await store.queue('work').get(id)).toMatchObject({
        status: 'done',
        result: answer,
        error: null,
      });
      expect(await store.ledger.get(`label-${id}`)).toMatchObject({ rationale: answer });
    }
    await store.close();
  });
});

/** What is stored, in the words of the workers. */
async function contentsOf(store: Store): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { id } of store.ledger.read())
    found.add(id.replace('label-', 'labelled ').replace(/^vote/, 'voted vote'));
  for await (const { id, status } of store.queue('work').read()) {
    if (status === 'done') found.add(`done ${id}`);
    if ((await store.calls.get(`key-${id}`)) !== null) found.add(`cached ${id}`);
  }
  return found;
}
