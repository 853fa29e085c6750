import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random, TenetError } from '../../base/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { type MapOptions, mapItems } from './map-items.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-map-items-'));
  store = await openStore(join(folder, 'store.db'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each(['memory', 'a store'])('mapItems in %s', (where) => {
  const options = (more: MapOptions<number> = {}): MapOptions<number> =>
    where === 'memory' ? more : { queue: store.queue('squares'), ...more };

  it('gives each result at its own item’s place, in whatever order they end', async () => {
    const random = new Random(1);
    const outcomes = await mapItems(
      numbers(60),
      async (n, { index }) => {
        await pause(random.int(6));
        return [index, n * n];
      },
      options({ concurrency: 7 }),
    );
    expect(outcomes).toEqual(numbers(60).map((n) => ({ status: 'done', value: [n, n * n] })));
  });

  it('keeps to its concurrency, and tells how far it is', async () => {
    let running = 0;
    let most = 0;
    const told: number[] = [];
    await mapItems(
      numbers(20),
      async () => {
        most = Math.max(most, ++running);
        await pause(1);
        running--;
        return null;
      },
      options({ concurrency: 4, onProgress: ({ done, total }) => told.push(done / total) }),
    );
    expect(most).toBe(4);
    expect(told).toEqual(numbers(20).map((n) => (n + 1) / 20));
  });

  it('reports a failed item with its reason, and goes on with the others', async () => {
    const outcomes = await mapItems(
      numbers(5),
      async (n) => {
        if (n === 2) throw new TenetError('data', 'two is not allowed');
        return n;
      },
      options(),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done', 'failed', 'done', 'done']);
    expect(outcomes[2]).toMatchObject({ reason: 'two is not allowed' });
    expect(outcomes[3]).toMatchObject({ value: 3 });
  });

  it.each<[string, TenetError]>([
    ['the budget is used up', new TenetError('budget', 'used up')],
    [
      'no request can succeed',
      new TenetError('provider', 'wrong key', { details: { retryable: false, hopeless: true } }),
    ],
  ])('stops when %s, after the items under way', async (_, error) => {
    const ended: number[] = [];
    const job = mapItems(
      numbers(30),
      async (n) => {
        await pause(n === 3 ? 5 : 10);
        if (n === 3) throw error;
        ended.push(n);
        return n;
      },
      options({ concurrency: 4 }),
    );
    await expect(job).rejects.toBe(error);
    expect(ended).toEqual([0, 1, 2]);
  });

  it('stops when items fail one after another', async () => {
    let asked = 0;
    const job = mapItems(
      numbers(100),
      async () => Promise.reject(new TenetError('provider', `down ${asked++}`)),
      options({ concurrency: 1, mostFailuresInARow: 6 }),
    );
    await expect(job).rejects.toMatchObject({ code: 'provider' });
    await expect(job).rejects.toThrow(/6 items failed one after another.*: down 5/);
    expect(asked).toBe(6);
  });

  it('stops at a signal, and passes it on to the items under way', async () => {
    const controller = new AbortController();
    const signals: boolean[] = [];
    const job = mapItems(
      numbers(9),
      async (n, { signal }) => {
        if (n === 1) controller.abort();
        await pause(2);
        signals.push(signal.aborted);
        return n;
      },
      options({ concurrency: 3, signal: controller.signal }),
    );
    await expect(job).rejects.toMatchObject({ code: 'interrupted' });
    expect(signals).toEqual([true, true]); // the third had not begun
    const late = mapItems([1], async (n) => n, options({ signal: controller.signal }));
    await expect(late).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('does nothing for no items', async () => {
    expect(await mapItems([], async () => null, options())).toEqual([]);
    await expect(mapItems([], async () => null, options({ concurrency: 0 }))).rejects.toThrow(
      /concurrency is 0/,
    );
  });
});

describe('a job in a store', () => {
  it('does no finished item again, whatever stopped it, and tries failed ones again', async () => {
    const done = new Map<number, number>();
    const run = (stopAfter: number): Promise<unknown> => {
      const controller = new AbortController();
      let count = 0;
      return mapItems(
        numbers(40),
        async (n) => {
          await pause(1);
          if (++count > stopAfter) controller.abort();
          if (n % 10 === 7 && stopAfter < 1000) throw new Error(`not ${n} today`);
          done.set(n, (done.get(n) ?? 0) + 1);
          return n * 2;
        },
        { queue: store.queue('doubles'), concurrency: 5, signal: controller.signal },
      );
    };
    await expect(run(11)).rejects.toMatchObject({ code: 'interrupted' });
    await expect(run(9)).rejects.toMatchObject({ code: 'interrupted' });
    await store.close();
    store = await openStore(join(folder, 'store.db'));
    const outcomes = await run(999);
    expect((outcomes as { status: string }[]).filter(({ status }) => status === 'failed')).toHaveLength(4);
    const whole = await run(1000);
    expect(whole).toEqual(numbers(40).map((n) => ({ status: 'done', value: n * 2 })));
    expect([...done.values()].every((times) => times === 1)).toBe(true);
  });

  it('finds each result again when the list was shuffled, shortened, lengthened or repeats itself', async () => {
    const items = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 });
    const memory = await openStore(':memory:');
    let round = 0;
    await fc.assert(
      fc.asyncProperty(items, items, async (before, after) => {
        const queue = memory.queue(`letters ${round++}`);
        const asked: string[] = [];
        const spell = async (letter: string) => asked.push(letter) && `the letter ${letter}`;
        await mapItems(before, spell, { queue });
        const outcomes = await mapItems(after, spell, { queue });
        expect(outcomes).toEqual(after.map((letter) => ({ status: 'done', value: `the letter ${letter}` })));
        for (const letter of 'abcd') {
          const times = (list: readonly string[]): number => list.filter((one) => one === letter).length;
          expect(times(asked)).toBe(Math.max(times(before), times(after)));
        }
      }),
      { numRuns: 25, seed: 5 },
    );
    await memory.close();
  });

  it('is shared out among processes that run it at the same time', async () => {
    const other = await openStore(join(folder, 'store.db'));
    const asked: number[] = [];
    const run = (shared: Store) =>
      mapItems(
        numbers(50),
        async (n) => {
          asked.push(n);
          await pause(2);
          return 100 - n;
        },
        { queue: shared.queue('differences'), concurrency: 3 },
      );
    const [one, two] = await Promise.all([run(store), run(other)]);
    expect(one).toEqual(numbers(50).map((n) => ({ status: 'done', value: 100 - n })));
    expect(two).toEqual(one);
    expect([...asked].sort((a, b) => a - b)).toEqual(numbers(50));
    await other.close();
  });

  it('names items as it is told to', async () => {
    const queue = store.queue('named');
    const key = ({ id }: { id: string }): string => id;
    await mapItems([{ id: 'x', text: 'old' }], async ({ text }) => text, { queue, key });
    const [again] = await mapItems([{ id: 'x', text: 'new' }], async ({ text }) => text, { queue, key });
    expect(again).toEqual({ status: 'done', value: 'old' });
  });

  it('ends when the store fails, and says so', async () => {
    const job = mapItems(
      numbers(5),
      async (n) => {
        if (n === 0) await store.close();
        return n;
      },
      { queue: store.queue('lost'), concurrency: 1 },
    );
    await expect(job).rejects.toBeInstanceOf(Error);
    store = await openStore(join(folder, 'store.db'));
  });
});
