import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../testing/index.ts';
import { Gate, limitedModel } from './limited.ts';

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }], maxTokens: 10 });
const minute = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** When each of `count` calls begins, in milliseconds from now. */
async function beginnings(
  gate: Gate,
  count: number,
  options: { tokens?: number; lastsMs?: number } = {},
): Promise<number[]> {
  const start = performance.now();
  const at: number[] = [];
  const calls = Array.from({ length: count }, (_, i) =>
    gate.run(
      options.tokens ?? 0,
      async () => {
        at[i] = performance.now() - start;
        await new Promise((resolve) => setTimeout(resolve, options.lastsMs ?? 0));
      },
      { used: () => options.tokens ?? 0 },
    ),
  );
  await vi.runAllTimersAsync();
  await Promise.all(calls);
  return at;
}

describe('Gate', () => {
  it('lets so many calls run at once, in the order in which they came', async () => {
    const at = await beginnings(new Gate({ concurrency: 2 }), 6, { lastsMs: 100 });
    expect(at).toEqual([0, 0, 100, 100, 200, 200]);
  });

  it('lets so many calls begin within any minute', async () => {
    const at = await beginnings(new Gate({ requestsPerMinute: 3 }), 8, { lastsMs: 10 });
    expect(at).toEqual([0, 0, 0, minute, minute, minute, 2 * minute, 2 * minute]);
  });

  it('lets calls of so many tokens begin within any minute, and a larger one alone', async () => {
    expect(await beginnings(new Gate({ tokensPerMinute: 100 }), 5, { tokens: 40 })).toEqual([
      ...[0, 0, minute, minute, 2 * minute],
    ]);
    expect(await beginnings(new Gate({ tokensPerMinute: 100 }), 3, { tokens: 500 })).toEqual([
      0,
      minute,
      2 * minute,
    ]);
  });

  it('counts what a call used, not what it might have used', async () => {
    const gate = new Gate({ tokensPerMinute: 100 });
    await gate.run(90, async () => {}, { used: () => 5 });
    expect(await beginnings(gate, 1, { tokens: 90 })).toEqual([0]);
  });

  it('lets go who is interrupted while waiting, and lets the next one in', async () => {
    const gate = new Gate({ concurrency: 1 });
    const controller = new AbortController();
    const order: string[] = [];
    const run = (name: string, signal?: AbortSignal) =>
      gate.run(0, async () => void order.push(name), { signal, used: () => 0 });
    const calls = [run('a'), run('b', controller.signal), run('c')];
    const ended = Promise.allSettled(calls);
    controller.abort();
    await vi.runAllTimersAsync();
    const settled = await ended;
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(order).toEqual(['a', 'c']);
    await expect(run('d', controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('limitedModel', () => {
  it('holds everyone back when one is told to wait', async () => {
    const tooMany = new TenetError('provider', '429', {
      details: { model: 'm', retryable: true, retryAfterMs: 5000 },
    });
    const model = mockModel({ chat: [tooMany, 'fine'] });
    const limited = limitedModel(model, new Gate({ concurrency: 1 }));
    const start = performance.now();
    const first = limited.chat(ask('a'));
    const second = limited.chat(ask('b')).then(() => performance.now() - start);
    await expect(Promise.race([first, vi.advanceTimersByTimeAsync(10)])).rejects.toThrow('429');
    await vi.runAllTimersAsync();
    expect(await second).toBeGreaterThanOrEqual(5000);
  });
});
