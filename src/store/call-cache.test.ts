import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CallMeta, openStore, type Store } from './index.ts';
import { onEachDatabase } from './testing/each-database.ts';

const meta: CallMeta = { model: 'm', costUsd: 0.25, inputTokens: 100, outputTokens: 10, latencyMs: 1.5 };

onEachDatabase((database) => {
  let store: Store;
  let url: string;
  beforeAll(async () => {
    url = await database.newUrl();
    store = await openStore(url);
  });
  afterAll(() => store.close());

  it('gives back what was put in, also to another process', async () => {
    const answer = { text: 'Guten Tag 🐟\u0000', usage: [1, null, { deep: true }] };
    expect(await store.calls.get('a')).toBeNull();
    expect(await store.calls.put('a', answer, meta)).toEqual(answer);
    expect(await store.calls.get('a')).toEqual(answer);
    const other = await openStore(url);
    expect(await other.calls.get('a')).toEqual(answer);
    await other.close();
  });

  it('keeps the first answer, whoever comes second', async () => {
    const answers = await Promise.all(
      ['first', 'second', 'third'].map((text) => store.calls.put('b', text, meta)),
    );
    expect(answers).toEqual(['first', 'first', 'first']);
    expect(await store.calls.put('b', 'fourth', meta)).toBe('first');
    await expect(store.calls.put('c', null, meta)).rejects.toThrow('null');
  });

  it('adds up what calls used', async () => {
    await store.calls.put('x', 1, { ...meta, model: 'n' });
    await store.calls.put('y', 1, { ...meta, model: 'n', costUsd: 0.5 });
    await store.calls.put('z', 1, { ...meta, model: 'n', costUsd: null });
    const m = {
      ...meta,
      calls: 2,
      costUsd: 0.5,
      unpricedCalls: 0,
      inputTokens: 200,
      outputTokens: 20,
      latencyMs: 3,
    };
    const n = {
      model: 'n',
      calls: 3,
      costUsd: 0.75,
      unpricedCalls: 1,
      inputTokens: 300,
      outputTokens: 30,
      latencyMs: 4.5,
    };
    expect(await store.calls.totals()).toEqual([m, n]);
    expect(await store.calls.clear('n')).toBe(3);
    expect(await store.calls.totals()).toEqual([m]);
    expect(await store.calls.clear()).toBe(2);
    expect(await store.calls.get('a')).toBeNull();
  });
});
