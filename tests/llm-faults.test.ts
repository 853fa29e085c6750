/** Jobs against a server that misbehaves: nothing is lost, nothing is paid for twice, nothing changes places. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CallTally,
  type LanguageModel,
  mapItems,
  type OpenModelOptions,
  openModel,
} from '../src/llm/index.ts';
import {
  type MisbehavingServer,
  type MisbehavingServerOptions,
  misbehavingServer,
  randomFaults,
  type ServedRequest,
} from '../src/llm/testing/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { compiled } from './fixtures/compiled.ts';

let folder: string;
let store: Store;
let server: MisbehavingServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-llm-faults-'));
  store = await openStore(':memory:'); // what survives a crash is tested with a real file, below
});
afterEach(async () => {
  await store.close();
  await server.close();
  await rm(folder, { recursive: true });
});

const serve = async (options: MisbehavingServerOptions): Promise<void> => {
  server = await misbehavingServer(options);
};
const open = (options: OpenModelOptions = {}): Promise<LanguageModel> =>
  openModel(`openai-compatible:m@${server.url}`, {
    cache: store.calls,
    retry: { firstWaitMs: 2, longestWaitMs: 10 },
    ...options,
  });
const ask = (content: string) => [{ role: 'user' as const, content }];
const lastOf = ({ body }: ServedRequest): string => body.messages.at(-1)!.content;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Three calls that build on each other, as a critique and its revision do; the result tells where it came from. */
async function chain(model: LanguageModel, item: number, signal: AbortSignal): Promise<string> {
  const first = await model.chat({ messages: ask(`item ${item}`) }, { signal });
  const second = await model.chat({ messages: ask(`about ${first.text}`) }, { signal });
  const choice = await model.choose(
    { messages: ask(`which, ${second.text}?`), options: ['A', 'B'] },
    { signal },
  );
  return `${second.text} ${choice.probabilities[0] > 0.5 ? 'A' : 'B'} ${choice.method}`;
}
const expectedOf = (item: number): string => `ABOUT ITEM ${item} ${item % 3 === 0 ? 'A' : 'B'} log-probs`;
const answerTo = (request: ServedRequest) => {
  const content = lastOf(request);
  const item = /which, ABOUT ITEM (\d+)/.exec(content);
  if (!item) return content.toUpperCase();
  const a = Number(item[1]) % 3 === 0 ? 0.9 : 0.1;
  return { text: a > 0.5 ? 'A' : 'B', firstToken: { A: a, B: 1 - a } };
};

it('gets every item through faults of all kinds, each question answered once', async () => {
  await serve({ answer: answerTo, fault: randomFaults({ seed: 4, rate: 0.5 }) });
  const tally = new CallTally();
  const model = await open({ onCall: tally.add, limits: { concurrency: 12 } });
  const outcomes = await mapItems(numbers(40), (item, { signal }) => chain(model, item, signal), {
    queue: store.queue('chains'),
    concurrency: 12,
  });
  expect(outcomes).toEqual(numbers(40).map((item) => ({ status: 'done', value: expectedOf(item) })));
  expect(server.requests.length).toBeGreaterThan(150);
  expect(server.answered).toHaveLength(120);
  expect(tally).toMatchObject({ calls: 120, failed: 0, cached: 0 });
  expect(await store.calls.totals()).toMatchObject([{ calls: 120 }]);
});

it('reports what does not pass with its reason, and needs to ask only for that when resumed', async () => {
  let isRepaired = false;
  const doomed = (request: ServedRequest): boolean => /(item|ITEM) \d*7\b/.test(lastOf(request));
  const faults = randomFaults({ seed: 9, rate: 0.3 });
  await serve({
    answer: answerTo,
    fault: (request) => {
      if (!isRepaired && doomed(request) && /about/.test(lastOf(request))) {
        return { kind: 'status', status: 400, message: 'this prompt is blocked' };
      }
      return faults(request);
    },
  });
  const run = async () => {
    const model = await open();
    return mapItems(numbers(30), (item, { signal }) => chain(model, item, signal), {
      queue: store.queue('chains'),
    });
  };
  const outcomes = await run();
  for (const item of numbers(30)) {
    if (item % 10 === 7) {
      expect(outcomes[item]).toMatchObject({
        status: 'failed',
        reason: expect.stringMatching(/refused the request \(400\): this prompt is blocked/),
      });
    } else expect(outcomes[item]).toEqual({ status: 'done', value: expectedOf(item) });
  }
  const before = server.answered.length;
  isRepaired = true;
  expect(await run()).toEqual(numbers(30).map((item) => ({ status: 'done', value: expectedOf(item) })));
  expect(server.answered.length - before).toBe(3 * 2); // of three items the second and third question
});

it('waits out a storm of refusals together, as long as it is told to', async () => {
  const closedUntil = performance.now() + 250;
  const early: number[] = [];
  await serve({
    answer: answerTo,
    fault: ({ call }) => {
      if (performance.now() >= closedUntil) return null;
      early.push(call);
      return {
        kind: 'status',
        status: 429,
        retryAfterMs: closedUntil - performance.now(),
        message: 'Slow down',
      };
    },
  });
  const model = await open({ limits: { concurrency: 5 } });
  const outcomes = await mapItems(
    numbers(40),
    async (item) => (await model.chat({ messages: ask(`item ${item}`) })).text,
  );
  expect(outcomes).toEqual(numbers(40).map((item) => ({ status: 'done', value: `ITEM ${item}` })));
  expect(early.length).toBeLessThanOrEqual(10); // those under way when the first was refused, not 40 again and again
});

it('stops at once when the key is wrong or the account is empty', async () => {
  await serve({ fault: () => ({ kind: 'status', status: 401, message: 'bad key' }) });
  const model = await open();
  const job = mapItems(numbers(100), (item, { signal }) => chain(model, item, signal), {
    concurrency: 3,
    queue: store.queue('chains'),
  });
  await expect(job).rejects.toThrow(/refused the key in OPENAI_COMPATIBLE_API_KEY/);
  expect(server.requests.length).toBeLessThanOrEqual(3);
  expect(await store.queue('chains').counts()).toMatchObject({ waiting: 100, failed: 0 });
});

describe('choices', () => {
  const question = { messages: ask('Which?'), options: ['A', 'B'] };

  it('tell by their mass that a judge answers with other letters', async () => {
    await serve({ answer: () => ({ text: 'C', firstToken: { C: 0.97, A: 0.02, B: 0.01 } }) });
    const model = await open();
    expect(await model.choose(question)).toMatchObject({
      method: 'votes',
      mass: 0,
      probabilities: [0.5, 0.5],
    });
  });

  it('survive a judge that writes essays instead of letters', async () => {
    const essay = `${'Let us think about it. '.repeat(60)}The answer is (B).`;
    await serve({ answer: () => essay });
    const model = await open();
    expect(await model.choose(question)).toMatchObject({ method: 'votes', mass: 1, probabilities: [0, 1] });
  });

  it('fail with their reason when the judge never stops', async () => {
    await serve({ answer: () => 'Hm', fault: () => ({ kind: 'endless' }) });
    await expect((await open()).chat({ messages: ask('?') })).rejects.toThrow(/does not keep to the limit/);
  });
});

it('loses no finished call at Ctrl-C, and repeats none', async () => {
  const controller = new AbortController();
  await serve({
    answer: answerTo,
    fault: ({ call }) => {
      if (call === 40) controller.abort();
      return null;
    },
  });
  const run = async (signal?: AbortSignal) => {
    const model = await open();
    return mapItems(numbers(40), (item, context) => chain(model, item, context.signal), {
      queue: store.queue('chains'),
      signal,
    });
  };
  await expect(run(controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
  const answered = server.answered.length;
  expect(answered).toBeLessThan(80);
  expect((await store.calls.totals())[0].calls).toBe(answered); // also those that were under way
  expect(await run()).toEqual(numbers(40).map((item) => ({ status: 'done', value: expectedOf(item) })));
  expect(server.answered).toHaveLength(120);
});

it('goes on after it was killed at any moment, with nothing but the calls under way asked again', async () => {
  const concurrency = 4;
  let child: ChildProcess;
  const kills = [30];
  await serve({
    answer: answerTo,
    fault: ({ call }) => {
      if (kills.includes(call)) child.kill('SIGKILL');
      return null;
    },
  });
  const database = join(folder, 'killed.db');
  const run = (): Promise<{ code: number | null; text: string }> => {
    const program = compiled('tests/fixtures/llm-job.ts');
    const argv = [program, database, server.url, String(concurrency)];
    child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout!.on('data', (piece) => (text += piece));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
  };
  for (const _ of kills) expect((await run()).code).toBeNull();
  const { code, text } = await run();
  expect(code).toBe(0);
  expect(JSON.parse(text)).toEqual(
    numbers(30).map((item) => ({ status: 'done', value: `ABOUT ITEM ${item}` })),
  );
  const asked = server.requests.map(lastOf);
  expect(new Set(asked).size).toBe(60);
  expect(asked.length - 60).toBeLessThanOrEqual(kills.length * concurrency);
});
