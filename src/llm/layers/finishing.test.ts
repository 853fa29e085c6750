import { expect, it } from 'vitest';
import { mockModel } from '../testing/index.ts';
import { finishingModel } from './finishing.ts';

const ask = { messages: [{ role: 'user' as const, content: 'hello' }] };

it('lets a call finish that is interrupted, for a while', async () => {
  const controller = new AbortController();
  const quick = finishingModel(mockModel({ chat: ['done'], delayMs: 10 }), 1000);
  const slow = finishingModel(mockModel({ chat: ['never'], delayMs: 60_000 }), 20);
  const calls = [
    quick.chat(ask, { signal: controller.signal }),
    slow.chat(ask, { signal: controller.signal }),
  ];
  controller.abort();
  const [finished, cut] = await Promise.allSettled(calls);
  expect(finished).toMatchObject({ status: 'fulfilled', value: { text: 'done' } });
  expect(cut).toMatchObject({ status: 'rejected', reason: { code: 'interrupted' } });
});

it('begins none after the interruption', async () => {
  const mock = mockModel({ chat: ['done'] });
  const late = finishingModel(mock, 1000).chat(ask, { signal: AbortSignal.abort() });
  await expect(late).rejects.toMatchObject({ code: 'interrupted' });
  expect(mock.calls).toEqual([]);
});
