import { describe, expect, it } from 'vitest';
import { mockModel } from './mock-model.ts';

const messages = [{ role: 'user' as const, content: 'Which one is it?' }];

describe('mockModel', () => {
  it('answers from a list, whose last entry stays', async () => {
    const model = mockModel({ chat: ['one', { text: 'two', finish: 'length' }] });
    const texts = [];
    for (let i = 0; i < 3; i++) texts.push(await model.chat({ messages, seed: i }));
    expect(texts.map(({ text }) => text)).toEqual(['one', 'two', 'two']);
    expect(texts[1]).toMatchObject({
      finish: 'length',
      usage: { inputTokens: 4, outputTokens: 1, costUsd: 0 },
    });
    expect(model.calls.map(({ seed }) => seed)).toEqual([0, 1, 2]);
  });

  it('answers by a function, and fails with an error of the list', async () => {
    const model = mockModel({
      chat: ({ messages: [{ content }] }, call) => `${call}: ${content}`,
      choose: [new Error('down'), [3, 1]],
    });
    expect((await model.chat({ messages })).text).toBe('0: Which one is it?');
    const question = { messages, options: ['A', 'B'] };
    await expect(model.choose(question)).rejects.toThrow('down');
    expect(await model.choose(question)).toMatchObject({
      probabilities: [0.75, 0.25],
      method: 'log-probs',
      mass: 1,
    });
  });

  it('says what it was not told, and refuses what every model refuses', async () => {
    await expect(mockModel().chat({ messages })).rejects.toThrow(/not told how to chat/);
    await expect(mockModel().choose({ messages, options: ['A'] })).rejects.toThrow(/give at least two/);
    const model = mockModel({ choose: [[1, 2, 3]] });
    await expect(model.choose({ messages, options: ['A', 'B'] })).rejects.toThrow(/3 probabilities for 2/);
  });

  it('takes its time, counts what is under way, and stops at a signal', async () => {
    const model = mockModel({ chat: ['x'], delayMs: 5 });
    const controller = new AbortController();
    const calls = [0, 1, 2].map(() => model.chat({ messages }, { signal: controller.signal }));
    expect(model.mostAtOnce).toBe(3);
    controller.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'interrupted' });
  });
});
