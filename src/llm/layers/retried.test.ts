import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../testing/index.ts';
import { type Retry, retriedModel } from './retried.ts';

const messages = [{ role: 'user' as const, content: 'hello' }];
const failure = (details: object): TenetError =>
  new TenetError('provider', 'm failed', { details: { model: 'm', retryable: true, ...details } });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs the call to its end, however long it waits. */
async function finished<T>(call: Promise<T>): Promise<PromiseSettledResult<T>> {
  const settled = Promise.allSettled([call]);
  await vi.runAllTimersAsync();
  return (await settled)[0];
}

describe('retriedModel', () => {
  it('tries again what may pass, with waits that grow to a limit, and tells of each', async () => {
    const retries: Retry[] = [];
    const model = mockModel({
      chat: [...Array.from({ length: 6 }, () => failure({ status: 500 })), 'at last'],
    });
    const options = {
      firstWaitMs: 100,
      longestWaitMs: 400,
      onRetry: (retry: Retry) => void retries.push(retry),
    };
    const result = await finished(retriedModel(model, options).chat({ messages }));
    expect(result).toMatchObject({ status: 'fulfilled', value: { text: 'at last' } });
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    retries.forEach(({ waitMs }, i) => {
      expect(waitMs).toBeLessThanOrEqual(Math.min(400, 100 * 2 ** i));
    });
    const waited = retries.reduce((sum, { waitMs }) => sum + Math.floor(waitMs), 0);
    const { latencyMs } = (result as PromiseFulfilledResult<{ usage: { latencyMs: number } }>).value.usage;
    expect(latencyMs).toBeGreaterThanOrEqual(waited); // timers count whole milliseconds
  });

  it('waits as long as the provider asks, and a little more, so that not all come back at once', async () => {
    const waits: number[] = [];
    const model = mockModel({
      chat: [failure({ retryAfterMs: 30_000 }), failure({ retryAfterMs: 30_000 }), 'ok'],
    });
    await finished(
      retriedModel(model, { onRetry: ({ waitMs }) => void waits.push(waitMs) }).chat({ messages }),
    );
    for (const wait of waits) expect(wait).toBeGreaterThan(30_000);
    for (const wait of waits) expect(wait).toBeLessThan(31_000);
    expect(waits[0]).not.toBe(waits[1]);
  });

  it.each<[string, Error, number, RegExp]>([
    ['is refused for good', failure({ retryable: false }), 1, /^m failed$/],
    ['is over its budget', new TenetError('budget', 'used up'), 1, /^used up$/],
    ['does not pass', failure({}), 3, /m failed \(given up after 3 attempts\)/],
    [
      'would pass in an hour',
      failure({ retryAfterMs: 3_600_000 }),
      1,
      /given up and asks to wait for 3600 s/,
    ],
    ['is a fault in the program', new TypeError('oops'), 1, /oops/],
  ])('gives up what %s', async (_, error, attempts, message) => {
    const model = mockModel({ choose: [error] });
    const choice = retriedModel(model, { retries: 2 }).choose({ messages, options: ['a', 'b'] });
    const result = await finished(choice);
    expect(result).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(message) } });
    expect(model.calls).toHaveLength(attempts);
  });

  it('stops waiting at a signal', async () => {
    const controller = new AbortController();
    const model = retriedModel(mockModel({ chat: [failure({ retryAfterMs: 100_000 })] }), {
      onRetry: () => queueMicrotask(() => controller.abort()),
    });
    const result = await finished(model.chat({ messages }, { signal: controller.signal }));
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'interrupted' } });
  });
});
