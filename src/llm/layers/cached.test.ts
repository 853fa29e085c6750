import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';
import type { ChatRequest } from '../language-model.ts';
import { mockModel } from '../testing/index.ts';
import { cachedModel, cacheKey } from './cached.ts';
import { finishingModel } from './finishing.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-cached-'));
  store = await openStore(join(folder, 'store.db'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const stopper = (): { signal: AbortSignal; abort: () => void } => {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
};
const ask = (content: string): ChatRequest => ({ messages: [{ role: 'user', content }] });
const echo = () =>
  mockModel({
    chat: ({ messages }, call) => `${call}: ${messages[0].content}`,
    choose: [[3, 1]],
    usage: { costUsd: 0.25, latencyMs: 7 },
  });

describe('cachedModel', () => {
  it('asks once, and answers again after a restart, with what it cost then', async () => {
    const mock = echo();
    const first = await cachedModel(mock, store.calls).chat(ask('hello'));
    expect(first).toMatchObject({ text: '0: hello', usage: { costUsd: 0.25, latencyMs: 7, cached: false } });
    await store.close();
    store = await openStore(join(folder, 'store.db'));
    const again = await cachedModel(mock, store.calls).chat(ask('hello'));
    expect(again).toEqual({ ...first, usage: { ...first.usage, latencyMs: 0, cached: true } });
    expect(mock.calls).toHaveLength(1);
    expect(await store.calls.totals()).toMatchObject([
      { model: 'mock', calls: 1, costUsd: 0.25, latencyMs: 7 },
    ]);
  });

  it('keeps choices apart from chats', async () => {
    const model = cachedModel(echo(), store.calls);
    const question = { ...ask('a or b?'), options: ['a', 'b'] };
    const choice = await model.choose(question);
    expect(choice).toMatchObject({ probabilities: [0.75, 0.25], method: 'log-probs', mass: 1 });
    expect(await model.choose(question)).toMatchObject({
      probabilities: [0.75, 0.25],
      usage: { cached: true },
    });
    expect((await model.chat(ask('a or b?'))).text).toBe('0: a or b?');
  });

  it('asks once for the same question asked at the same time', async () => {
    const mock = echo();
    const model = cachedModel(mock, store.calls);
    const answers = await Promise.all(
      [ask('x'), ask('x'), ask('y'), ask('x')].map((request) => model.chat(request)),
    );
    expect(answers.map(({ text }) => text)).toEqual(['0: x', '0: x', '1: y', '0: x']);
    expect(answers.map(({ usage }) => usage.cached)).toEqual([false, true, false, true]);
  });

  it('keeps no failures', async () => {
    const mock = mockModel({ chat: [new Error('down'), 'up'] });
    const model = cachedModel(mock, store.calls);
    const [one, other] = await Promise.allSettled([model.chat(ask('x')), model.chat(ask('x'))]);
    expect([one.status, other.status]).toEqual(['rejected', 'rejected']);
    expect((await model.chat(ask('x'))).text).toBe('up');
  });

  it('ends the call when one signal interrupts all who wait for it', async () => {
    const mock = mockModel({ chat: ['never'], delayMs: 60_000 });
    const model = cachedModel(mock, store.calls);
    const { signal, abort } = stopper();
    const all = Promise.allSettled([ask('x'), ask('x'), ask('x')].map((one) => model.chat(one, { signal })));
    while (mock.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    abort();
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(mock.atOnce).toBe(0);
  });

  it('tells the pieces of an answer that is written now', async () => {
    const pieces: string[] = [];
    const model = cachedModel(finishingModel(mockModel({ chat: ['good day'] }), 1000), store.calls);
    const options = { onText: (piece: string) => pieces.push(piece), signal: stopper().signal };
    await model.chat(ask('x'), options);
    expect(pieces.join('')).toBe('good day');
    await model.chat(ask('x'), options);
    expect(pieces.join('')).toBe('good day');
  });

  it('goes on for those who still wait when one is interrupted', async () => {
    const mock = mockModel({ chat: ['ok'], delayMs: 10 });
    const model = cachedModel(mock, store.calls);
    const controllers = [new AbortController(), new AbortController()];
    const [one, other] = controllers.map(({ signal }) => model.chat(ask('x'), { signal }));
    await new Promise((resolve) => setTimeout(resolve, 2));
    controllers[0].abort();
    await expect(one).rejects.toMatchObject({ code: 'interrupted' });
    expect((await other).text).toBe('ok');
    const alone = model.chat(ask('y'), { signal: controllers[1].signal });
    setTimeout(() => controllers[1].abort(), 2);
    await expect(alone).rejects.toMatchObject({ code: 'interrupted' });
    // Who comes after the interruption is not drawn into it.
    expect((await model.chat(ask('y'))).text).toBe('ok');
  });
});

describe('cacheKey', () => {
  const key = (request: Partial<ChatRequest>, model = 'm'): string =>
    cacheKey(model, { kind: 'chat', request: { ...ask('hello'), ...request } });

  it('is the same for the same request, however it is written', () => {
    expect(key({ temperature: 1, maxTokens: 512, stop: [], seed: undefined })).toBe(key({}));
  });

  it('is another for everything that decides the answer', () => {
    const others: Partial<ChatRequest>[] = [
      { temperature: 0 },
      { topP: 0.9 },
      { maxTokens: 511 },
      { stop: ['\n'] },
      { seed: 0 },
      { json: { name: 'a', schema: {} } },
      { messages: [{ role: 'system', content: 'hello' }] },
      { messages: [{ role: 'user', content: 'hello ' }] },
      {},
    ];
    const keys = new Set(others.map((request) => key(request)));
    keys
      .add(key({}, 'n'))
      .add(cacheKey('m', { kind: 'choose', request: { ...ask('hello'), options: ['a', 'b'] } }));
    expect(keys.size).toBe(others.length + 2);
  });
});
