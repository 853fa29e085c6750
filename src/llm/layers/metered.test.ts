import { expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../testing/index.ts';
import { type CallRecord, CallTally, meteredModel } from './metered.ts';

const ask = { messages: [{ role: 'user' as const, content: 'two words' }] };

it('tells of every call, and adds them up without what was cached', async () => {
  const usage = { inputTokens: 2, outputTokens: 1, costUsd: 0.5, latencyMs: 4, cached: false };
  const mock = mockModel({
    chat: [
      { text: 'a', usage },
      { text: 'b', usage: { ...usage, cached: true, latencyMs: 0 } },
      { text: 'c', usage: { ...usage, costUsd: null } },
      new TenetError('provider', 'down'),
    ],
  });
  const tally = new CallTally();
  const records: CallRecord[] = [];
  const model = meteredModel(mock, (record) => {
    records.push(record);
    tally.add(record);
  });
  for (let i = 0; i < 3; i++) await model.chat(ask);
  await expect(model.chat(ask)).rejects.toThrow('down');
  expect(records.map(({ usage: used, error }) => [used?.cached, error?.message])).toEqual([
    [false, undefined],
    [true, undefined],
    [false, undefined],
    [undefined, 'down'],
  ]);
  expect(tally).toMatchObject({
    calls: 4,
    cached: 1,
    failed: 1,
    inputTokens: 4,
    outputTokens: 2,
    costUsd: 0.5,
    unpriced: 1,
    latencyMs: 8,
  });
});
