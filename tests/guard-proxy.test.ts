/** The guard's server in front of others, used through the official client as any program would. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import OpenAI, { APIError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cascade, type ExchangeReport, type GuardPolicyInput, toPolicy } from '../src/guard/index.ts';
import { type LetterGuard, type LetterGuardOptions, letterGuard } from '../src/guard/testing/letter-guard.ts';
import { type Fault, misbehavingServer } from '../src/llm/testing/index.ts';
import { type RunningServer, type ServeGuardOptions, serveGuard } from '../src/server/index.ts';
import {
  chatChunk,
  chatChunks,
  chatCompletion,
  done,
  type ScriptedUpstream,
  scriptedUpstream,
} from './fixtures/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let folder: string;
beforeAll(async () => {
  upstream = await scriptedUpstream();
  folder = await mkdtemp(join(tmpdir(), 'tenet-guard-'));
});
afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true });
});

interface Guarded {
  readonly url: string;
  readonly client: OpenAI;
  readonly guard: LetterGuard;
  readonly reports: ExchangeReport[];
  readonly failures: unknown[];
}

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close({ graceMs: 50 });
  upstream.requests.length = 0;
});

/** A guard that finds `X` harmful and `w` nearly so, in front of the scripted upstream. */
async function guarded(
  policy: GuardPolicyInput = {},
  options: Partial<ServeGuardOptions> & { readonly letters?: Partial<LetterGuardOptions> } = {},
): Promise<Guarded> {
  const { letters, ...rest } = options;
  const guard = letterGuard({ scores: { X: 0.9, w: 0.45 }, ...letters });
  const reports: ExchangeReport[] = [];
  const failures: unknown[] = [];
  const server = await serveGuard({
    guard,
    upstream: upstream.url,
    policy: toPolicy(policy),
    port: 0,
    observers: [{ finished: (report) => reports.push(report) }],
    onFailure: (error) => failures.push(error),
    ...rest,
  });
  open.push(server);
  const client = new OpenAI({ baseURL: server.url, apiKey: 'client-key', maxRetries: 0 });
  return { url: server.url, client, guard, reports, failures };
}

const ask = { model: 'any', messages: [{ role: 'user' as const, content: 'hello' }] };
const refusal = 'I can’t help with that.';

/** What a stream said, and how each choice ended. */
async function read(
  stream: AsyncIterable<OpenAI.ChatCompletionChunk>,
): Promise<{ texts: string[]; finishes: (string | null)[]; chunks: OpenAI.ChatCompletionChunk[] }> {
  const [texts, finishes]: [string[], (string | null)[]] = [[], []];
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    for (const { index, delta, finish_reason } of chunk.choices) {
      texts[index] = (texts[index] ?? '') + (delta.content ?? '');
      finishes[index] = finish_reason ?? finishes[index] ?? null;
    }
  }
  return { texts, finishes, chunks };
}

const failed = (call: Promise<unknown>): Promise<InstanceType<typeof APIError>> =>
  call.then(
    () => Promise.reject(new Error('it was answered')),
    (error) => (error instanceof APIError ? error : Promise.reject(error)),
  );
const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

describe('an answer', () => {
  it('that is harmless comes as the upstream wrote it, without what nobody screened', async () => {
    upstream.script = () => chatCompletion({ content: 'Hi there' });
    const { client, reports } = await guarded();
    const { data, response } = await client.chat.completions.create(ask).withResponse();
    expect(data).toEqual({
      ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_700_000_000, model: 'any' },
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi there' },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    const requestId = response.headers.get('x-request-id');
    await until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ requestId, outcome: 'allowed', upstreamStatus: 200 });
  });

  it('that is harmful is replaced, each of several by itself', async () => {
    upstream.script = () => chatCompletion({ content: 'fine' }, { content: 'do X now' }, { content: 'w' });
    const { client, reports } = await guarded();
    const { choices } = await client.chat.completions.create({ ...ask, n: 3 });
    expect(choices.map(({ message, finish_reason }) => [message.content, finish_reason])).toEqual([
      ['fine', 'stop'],
      [refusal, 'content_filter'],
      ['w', 'stop'],
    ]);
    await until(() => reports.length === 1);
    expect(reports[0].answers.map(({ verdict }) => verdict!.score)).toEqual([0, 0.9, 0.45]);
    expect(reports[0].outcome).toBe('blocked');
  });

  it('is screened in its tools’ arguments too, as they read', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'run', arguments: '{"what":"\\u0058"}' } };
    upstream.script = () => chatCompletion({ content: null, tool_calls: [call] });
    const { client } = await guarded();
    const [{ message, finish_reason }] = (await client.chat.completions.create(ask)).choices;
    expect([message.content, message.tool_calls, finish_reason]).toEqual([
      refusal,
      undefined,
      'content_filter',
    ]);
  });
});

describe('a conversation', () => {
  it.each([
    ['of the user', [{ role: 'user' as const, content: 'X' }]],
    [
      'in an earlier turn',
      [
        { role: 'assistant' as const, content: 'X' },
        { role: 'user' as const, content: 'go on' },
      ],
    ],
    ['in a part', [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'X' }] }]],
    ['of a tool', [{ role: 'tool' as const, tool_call_id: 'a', content: 'X' }, ...ask.messages]],
    ['of the system', [{ role: 'system' as const, content: 'X' }, ...ask.messages]],
  ])('that is harmful %s is refused, and the upstream never hears of it', async (_, messages) => {
    const { client, reports } = await guarded();
    const completion = await client.chat.completions.create({ ...ask, messages, n: 2 });
    expect(completion.choices.map(({ message, finish_reason }) => [message.content, finish_reason])).toEqual([
      [refusal, 'content_filter'],
      [refusal, 'content_filter'],
    ]);
    expect(completion.usage).toMatchObject({ total_tokens: 0 });
    expect(upstream.requests).toEqual([]);
    await until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ outcome: 'blocked', input: { score: 0.9, principle: 'X' } });
  });

  it('is refused as a stream where a stream was asked for', async () => {
    const { client } = await guarded({ defaults: { refusal: 'No.' } });
    const messages = [{ role: 'user' as const, content: 'X' }];
    const usage = { stream_options: { include_usage: true } };
    const { texts, finishes, chunks } = await read(
      await client.chat.completions.create({ ...ask, messages, stream: true, ...usage }),
    );
    expect([texts, finishes]).toEqual([['No.'], ['content_filter']]);
    expect(chunks.at(-1)!.usage).toMatchObject({ total_tokens: 0 });
  });

  it('goes on as it was read: of two fields of one name only the one that was screened', async () => {
    upstream.script = () => chatCompletion({ content: 'ok' });
    const { url } = await guarded();
    const body =
      '{"model":"any","messages":[{"role":"user","content":"X"}],"messages":[{"role":"user","content":"a"}],"seed":7}';
    await fetch(`${url}/chat/completions`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(upstream.requests[0].body).toEqual({
      model: 'any',
      messages: [{ role: 'user', content: 'a' }],
      seed: 7,
    });
  });

  it('with an image is refused as unreadable, unless the policy lets it pass', async () => {
    upstream.script = () => chatCompletion({ content: 'a cat' });
    const messages = [
      {
        role: 'user' as const,
        content: [{ type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA' } }],
      },
    ];
    const strict = await guarded();
    expect(await failed(strict.client.chat.completions.create({ ...ask, messages }))).toMatchObject({
      status: 400,
      code: 'unreadable_content',
      param: 'messages.0.content.0.image_url',
    });
    const lenient = await guarded({ defaults: { otherContent: 'allow' } });
    const { choices } = await lenient.client.chat.completions.create({ ...ask, messages });
    expect(choices[0].message.content).toBe('a cat');
  });
});

describe('a stream', () => {
  it('never lets out anything past the threshold, however it is cut', async () => {
    const { client, guard, reports } = await guarded({}, { letters: { unjudged: 2 } });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'X'), maxLength: 5 }), { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        async (tokens, pauses, bytesAtOnce) => {
          upstream.script = async function* () {
            // Events cut anywhere, several at once or one in pieces.
            let waiting = '';
            for await (const chunk of chatChunks(tokens)) waiting += `data: ${JSON.stringify(chunk)}\n\n`;
            waiting += done;
            for (let at = 0, i = 0; at < waiting.length; at += bytesAtOnce, i++) {
              if (pauses[i % pauses.length]) await new Promise((resolve) => setImmediate(resolve));
              yield waiting.slice(at, at + bytesAtOnce);
            }
          };
          const { texts, finishes } = await read(
            await client.chat.completions.create({ ...ask, stream: true }),
          );
          const whole = tokens.join('');
          number++;
          if (!whole.includes('X')) expect([texts[0], finishes[0]]).toEqual([whole, 'stop']);
          else {
            expect(finishes[0]).toBe('content_filter');
            expect(texts[0]).toMatch(new RegExp(`${refusal}$`));
            const left = texts[0].slice(0, -refusal.length).replace(/\n\n$/, '');
            expect(whole.slice(0, whole.indexOf('X')).startsWith(left)).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
    await until(() => reports.length === number && guard.openScreens === 0);
  });

  it('lets tokens out as they are cleared, not at the end', async () => {
    let goOn = (): void => {};
    upstream.script = async function* () {
      yield* chatChunks(['one', ' two'], { finish: 'stop', between: async () => {} });
      await new Promise<void>((resolve) => (goOn = resolve));
      yield done;
    };
    const { client } = await guarded();
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    let text = '';
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      if (text === 'one two') goOn();
    }
    expect(text).toBe('one two');
  });

  it('that is stopped ends the upstream’s work, and says so in the API’s form', async () => {
    upstream.script = async function* () {
      yield chatChunk({ role: 'assistant', content: 'so far' });
      await new Promise((resolve) => setTimeout(resolve, 10));
      for (;;) {
        yield chatChunk({ content: ' X' });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const { client, guard, reports } = await guarded();
    const { texts, finishes, chunks } = await read(
      await client.chat.completions.create({ ...ask, stream: true }),
    );
    expect([texts, finishes]).toEqual([[`so far\n\n${refusal}`], ['content_filter']]);
    expect(chunks.at(-1)).toMatchObject({
      id: 'chatcmpl-1',
      guard: { blocked: 'output', request_id: expect.any(String) },
    });
    await until(() => upstream.requests[0].isAborted && guard.openScreens === 0 && reports.length === 1);
    expect(reports[0]).toMatchObject({ outcome: 'blocked', answers: [{ verdict: { score: 0.9 } }] });
  });

  it('leaves the connection to the upstream open for the next, once it is whole', async () => {
    upstream.script = async function* () {
      yield* chatChunks(['a']);
      yield done;
    };
    const { client } = await guarded();
    for (let i = 0; i < 3; i++) {
      await read(await client.chat.completions.create({ ...ask, stream: true }));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(new Set(upstream.requests.map(({ port }) => port)).size).toBe(1);
    expect(upstream.requests.some(({ isAborted }) => isAborted)).toBe(false);
  });

  it('of several choices goes on with those that are harmless', async () => {
    upstream.script = async function* () {
      const choices = [chatChunks(['a', 'b'], { index: 0 }), chatChunks(['a', 'X', 'b'], { index: 1 })];
      for (const choice of choices) yield* choice;
      yield {
        ...chatChunk({}),
        choices: [],
        usage: { prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 },
      };
      yield done;
    };
    const { client } = await guarded();
    const { texts, finishes, chunks } = await read(
      await client.chat.completions.create({ ...ask, stream: true, n: 2 }),
    );
    expect([texts[0], finishes]).toEqual(['ab', ['stop', 'content_filter']]);
    expect(texts[1]).toMatch(new RegExp(`^(a\n\n)?${refusal}$`));
    expect(chunks.at(-1)!.usage).toMatchObject({ total_tokens: 6 });
  });

  it('tells what was used, also where that comes with an empty piece after the end', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 };
    upstream.script = async function* () {
      yield* chatChunks(['a']);
      yield { ...chatChunk({ role: 'assistant', content: '' }), usage };
      yield done;
    };
    const { client } = await guarded();
    const { texts, chunks } = await read(await client.chat.completions.create({ ...ask, stream: true }));
    expect([texts, chunks.at(-1)]).toMatchObject([['a'], { choices: [], usage }]);
  });

  it('holds log-probabilities and tools’ arguments back with what they spell', async () => {
    const logprobs = { content: [{ token: 'X', logprob: -0.1, bytes: null, top_logprobs: [] }] };
    const call = (piece: string) => ({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    const { client } = await guarded();
    upstream.script = async function* () {
      yield chatChunk({ role: 'assistant', content: 'a' });
      // A token that spells nothing yet, whose text comes with the next.
      yield chatChunk({ content: '' }, { logprobs });
      yield chatChunk({ content: 'X' }, { logprobs });
      yield done;
    };
    const first = await read(await client.chat.completions.create({ ...ask, stream: true }));
    expect(JSON.stringify(first.chunks)).not.toContain('-0.1');
    expect(first.finishes).toEqual(['content_filter']);
    upstream.script = async function* () {
      yield chatChunk({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'run', arguments: '' } }],
      });
      for (const piece of ['{"a":"', 'b\\u', '00', '58', '"}']) {
        yield chatChunk(call(piece));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      yield done;
    };
    const second = await read(await client.chat.completions.create({ ...ask, stream: true }));
    const left = second.chunks
      .map(({ choices }) => choices[0]?.delta.tool_calls?.[0].function?.arguments ?? '')
      .join('');
    expect('{"a":"'.startsWith(left)).toBe(true);
    expect(second.finishes).toEqual(['content_filter']);
  });

  it('of text completions is guarded too, each prompt by itself', async () => {
    upstream.script = async function* () {
      const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'any' };
      for (const [index, text] of ['a', 'b', 'X', 'c'].entries()) {
        yield { ...head, choices: [{ index, text, logprobs: null, finish_reason: null }] };
        yield { ...head, choices: [{ index, text: '', logprobs: null, finish_reason: 'length' }] };
      }
      yield done;
    };
    const { client } = await guarded();
    const stream = await client.completions.create({
      model: 'any',
      prompt: ['one', 'two'],
      n: 2,
      stream: true,
    });
    const [texts, finishes]: [string[], string[]] = [[], []];
    for await (const { choices } of stream) {
      for (const { index, text, finish_reason } of choices) {
        texts[index] = (texts[index] ?? '') + text;
        finishes[index] = finish_reason ?? finishes[index];
      }
    }
    expect(texts).toEqual(['a', 'b', refusal, 'c']);
    expect(finishes).toEqual(['length', 'length', 'content_filter', 'length']);
  });
});

describe('a guard that fails', () => {
  const letters: Partial<LetterGuardOptions> = {
    before: (_, text) => (text.includes('!') ? Promise.reject(new Error('the guard’s secret')) : undefined),
  };
  const messages = [{ role: 'user' as const, content: '!' }];

  it('closes: an error, without its inside, and nothing of the answer', async () => {
    upstream.script = () => chatCompletion({ content: 'oh!' });
    const { client, failures, reports } = await guarded({}, { letters });
    for (const request of [{ ...ask, messages }, ask]) {
      const error = await failed(client.chat.completions.create(request));
      expect(error).toMatchObject({ status: 503, code: 'guard_unavailable' });
      expect(error.message).not.toContain('secret');
    }
    expect(String(failures[0])).toContain('the guard’s secret');
    await until(() => reports.length === 2);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
  });

  it('closes in the middle of a stream with an error event', async () => {
    upstream.script = async function* () {
      yield* chatChunks(['a', '!', 'b'], { between: () => new Promise((resolve) => setTimeout(resolve, 5)) });
      yield done;
    };
    const { client } = await guarded({}, { letters });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { choices } of await client.chat.completions.create({ ...ask, stream: true })) {
        texts.push(choices[0].delta.content ?? '');
      }
    })();
    expect(await failed(reading)).toMatchObject({ code: 'guard_unavailable' });
    expect(texts.join('')).toBe('a');
  });

  it('opens where the policy says so, and the record says that nothing was screened', async () => {
    upstream.script = () => chatCompletion({ content: 'oh!' });
    const { client, reports } = await guarded({ defaults: { failure: 'open' } }, { letters });
    expect((await client.chat.completions.create({ ...ask, messages })).choices[0].message.content).toBe(
      'oh!',
    );
    await until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ outcome: 'unscreened', input: null });
  });

  it('is one that takes too long', async () => {
    const never = { before: () => new Promise<void>(() => {}) };
    const { client } = await guarded({ defaults: { timeLimitMs: 20 } }, { letters: never });
    expect(await failed(client.chat.completions.create(ask))).toMatchObject({ code: 'guard_unavailable' });
  });
});

describe('rules', () => {
  it('of shadow mode let everything pass at once, and tell what would have been blocked', async () => {
    upstream.script = async function* () {
      yield* chatChunks(['do ', 'X']);
      yield done;
    };
    const { client, reports } = await guarded({ defaults: { mode: 'shadow' } });
    const messages = [{ role: 'user' as const, content: 'X' }];
    const { texts, finishes } = await read(
      await client.chat.completions.create({ ...ask, messages, stream: true }),
    );
    expect([texts, finishes]).toEqual([['do X'], ['stop']]);
    await until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({
      outcome: 'allowed',
      input: { blocked: true },
      answers: [{ verdict: { blocked: true } }],
    });
  });

  it('are chosen by model and route', async () => {
    upstream.script = () => chatCompletion({ content: 'w' });
    const { client } = await guarded({
      rules: [
        { name: 'strict', match: { model: 'kids-*' }, thresholds: { output: 0.4 }, refusal: 'Not here.' },
      ],
    });
    const said = async (model: string) =>
      (await client.chat.completions.create({ ...ask, model })).choices[0].message.content;
    expect(await said('kids-1')).toBe('Not here.');
    expect(await said('any')).toBe('w');
  });
});

describe('an upstream that misbehaves', () => {
  const faults: [Fault, object][] = [
    [
      { kind: 'status', status: 429, retryAfter: '7', message: 'Slow down' },
      { status: 429, message: expect.stringContaining('Slow down') },
    ],
    [{ kind: 'status', status: 500, message: 'broken' }, { status: 500 }],
    [{ kind: 'hang-up' }, { status: 502, code: 'upstream_unreachable' }],
    [{ kind: 'malformed-json' }, { status: 502, code: 'upstream_invalid' }],
    [{ kind: 'wrong-json' }, { status: 502, code: 'upstream_invalid' }],
    [{ kind: 'cut-short' }, { status: 502 }],
    [{ kind: 'hang-up-midway' }, { status: 502 }],
    [{ kind: 'silence' }, { status: 504, code: 'upstream_timeout' }],
    [{ kind: 'silence-midway' }, { status: 502, code: 'upstream_invalid' }],
    [{ kind: 'endless' }, { status: 502, code: 'upstream_invalid' }],
  ];
  it.each(faults)('with %j is told in the API’s form', async (fault, expected) => {
    const server = await misbehavingServer({
      fault: () => fault,
      answer: () => 'one two three four five six',
    });
    const limits = {
      upstreamSilenceMs: fault.kind.startsWith('silence') ? 60 : 10_000,
      answerBytes: 100_000,
    };
    const { client, guard, reports } = await guarded({ limits }, { upstream: server.url });
    expect(await failed(client.chat.completions.create(ask))).toMatchObject(expected);
    if (fault.kind === 'status') {
      const error = await failed(client.chat.completions.create({ ...ask, stream: true }));
      expect(error).toMatchObject({ status: fault.status });
      expect(error.headers?.get('retry-after')).toBe(fault.retryAfter ?? null);
    } else {
      // The status may have been sent already: then the error is an event.
      const reading = async () => read(await client.chat.completions.create({ ...ask, stream: true }));
      expect(await failed(reading())).toMatchObject({ error: { type: 'upstream_error' } });
    }
    await until(() => reports.length === 2 && guard.openScreens === 0);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    await server.close();
  });

  it('by not being there is told as well', async () => {
    const gone = await scriptedUpstream();
    await gone.close();
    const { client } = await guarded({}, { upstream: gone.url });
    const error = await failed(client.chat.completions.create(ask));
    expect(error).toMatchObject({ status: 502, message: expect.stringContaining('nothing listens there') });
  });

  it('by sending harmful text after the end of a choice says nothing', async () => {
    upstream.script = async function* () {
      yield* chatChunks(['a']);
      yield chatChunk({ content: 'X' });
      yield done;
    };
    const { client } = await guarded();
    const { texts } = await read(await client.chat.completions.create({ ...ask, stream: true }));
    expect(texts).toEqual(['a']);
  });
});

it.each([
  ['localhost:8000', /must begin with http:\/\/ or https:\/\//],
  ['here', /is no address; give it as http:\/\/localhost:8000\/v1/],
  ['http://key@host/v1', /Keys do not belong into --upstream; set TENET_GUARD_UPSTREAM_KEY/],
])('an upstream that is none is refused at the start: %s', async (url, message) => {
  await expect(guarded({}, { upstream: url })).rejects.toThrow(message);
});

describe('a client', () => {
  it('that goes away ends the upstream’s work and the screens', async () => {
    upstream.script = async function* () {
      for (;;) {
        yield chatChunk({ content: 'a ' });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const { client, guard, reports } = await guarded();
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 5) break;
    await until(() => upstream.requests[0].isAborted && guard.openScreens === 0 && reports.length === 1);
    expect(reports[0].outcome).toBe('aborted');
  });

  it('that goes away before the answer has begun ends the upstream’s work', async () => {
    upstream.script = () => new Promise(() => {});
    const { client, reports } = await guarded();
    const controller = new AbortController();
    const asked = client.chat.completions.create(ask, { signal: controller.signal }).catch(() => {});
    await until(() => upstream.requests.length === 1);
    controller.abort();
    await asked;
    await until(() => upstream.requests[0].isAborted && reports.length === 1);
    expect(reports[0].outcome).toBe('aborted');
  });

  it('that reads slowly slows the upstream down', async () => {
    let sent = 0;
    const total = 64 * 2 ** 20;
    upstream.script = async function* () {
      const content = 'a'.repeat(64 * 1024);
      for (; sent < total; sent += content.length) yield chatChunk({ content });
      yield done;
    };
    const { url } = await guarded({ limits: { answerBytes: 2 * total } });
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    const body = JSON.stringify({ ...ask, stream: true });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    socket.pause();
    await until(() => sent > 0);
    // It comes to rest once all buffers on the way are full, far from the end.
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(sent).toBeLessThan(total / 2);
    socket.destroy();
    await until(() => upstream.requests[0].isAborted);
  });

  it('is one of 200 at once, and each gets its own answer', async () => {
    upstream.script = async function* ({ body }) {
      const name: string = body.messages[0].content;
      const harm = Number(name) % 10 === 3 ? ['X'] : [];
      yield* chatChunks([name, ' is', ...harm, ' me'], {
        between: () => new Promise((resolve) => setImmediate(resolve)),
      });
      yield done;
    };
    const { client, guard, reports } = await guarded();
    const names = Array.from({ length: 200 }, (_, i) => String(i));
    const answers = await Promise.all(
      names.map(async (content) =>
        read(
          await client.chat.completions.create({
            ...ask,
            messages: [{ role: 'user', content }],
            stream: true,
          }),
        ),
      ),
    );
    for (const [i, { texts, finishes }] of answers.entries()) {
      if (i % 10 === 3) {
        expect(finishes).toEqual(['content_filter']);
        expect(texts[0]).not.toContain('X');
      } else expect([texts, finishes]).toEqual([[`${i} is me`], ['stop']]);
    }
    await until(() => reports.length === 200 && guard.openScreens === 0);
  });
});

/** The whole answer to a request for the models, sent with headers that `fetch` does not let one choose. */
async function modelsFor(url: string, headers: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET /v1/models HTTP/1.1\r\n${headers}\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket) text += piece;
  return text;
}

describe('keys', () => {
  it('of clients go on to the upstream, cookies and addresses do not', async () => {
    upstream.script = () => chatCompletion({ content: 'ok' });
    const { client } = await guarded();
    await client.chat.completions.create(ask, { headers: { cookie: 'a=b', 'x-forwarded-for': '1.2.3.4' } });
    const { headers } = upstream.requests[0];
    expect(headers.authorization).toBe('Bearer client-key');
    expect([headers.cookie, headers['x-forwarded-for']]).toEqual([undefined, undefined]);
  });

  it('of the guard are asked for and kept, and the upstream gets its own', async () => {
    upstream.script = () => chatCompletion({ content: 'ok' });
    const { client, url } = await guarded({}, { apiKey: 'client-key', upstreamKey: 'upstream-key' });
    await client.chat.completions.create(ask);
    expect(upstream.requests[0].headers.authorization).toBe('Bearer upstream-key');
    const stranger = new OpenAI({ baseURL: url, apiKey: 'other', maxRetries: 0 });
    expect(await failed(stranger.chat.completions.create(ask))).toMatchObject({ status: 401 });
  });

  it('of the upstream are not lent to pages of the web, nor to the whole network', async () => {
    const { url } = await guarded({}, { upstreamKey: 'upstream-key' });
    expect(await modelsFor(url, 'host: evil.example')).toMatch(/^HTTP\/1.1 403.*host_not_allowed/s);
    await expect(guarded({}, { upstreamKey: 'k', host: '0.0.0.0' })).rejects.toThrow(/TENET_GUARD_API_KEY/);
  });

  it('are asked of pages of the web also where the upstream wants none', async () => {
    upstream.script = () => ({ object: 'list', data: [] });
    const { url } = await guarded();
    // To the upstream the guard is a program of this machine, whoever asks the guard.
    expect(await modelsFor(url, 'host: evil.example')).toMatch(/^HTTP\/1.1 403.*host_not_allowed/s);
    expect(upstream.requests).toHaveLength(0);
    expect(await modelsFor(url, 'host: localhost')).toMatch(/^HTTP\/1.1 200/);
    expect(await modelsFor(url, 'host: guard.example\r\nauthorization: Bearer its-own')).toMatch(
      /^HTTP\/1.1 200/,
    );
  });
});

describe('besides', () => {
  it('models are the upstream’s; other addresses are refused unless the policy passes them on', async () => {
    upstream.script = ({ path }) => ({
      object: 'list',
      data: [{ id: path, object: 'model', created: 1, owned_by: 'x' }],
    });
    const { client } = await guarded({ passThrough: ['/v1/embeddings'] });
    expect((await client.models.list()).data[0].id).toBe('/v1/models');
    await client.embeddings.create({ model: 'any', input: 'X', encoding_format: 'float' });
    expect(upstream.requests.at(-1)!.body).toMatchObject({ input: 'X' });
    expect(await failed(client.responses.create({ model: 'any', input: 'X' }))).toMatchObject({
      status: 404,
    });
  });

  it('what is passed on keeps its status', async () => {
    const creating = createServer((_, response) => {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"batch-1"}');
    });
    await new Promise<void>((resolve) => creating.listen(0, '127.0.0.1', resolve));
    const { port } = creating.address() as AddressInfo;
    const { url } = await guarded(
      { passThrough: ['/v1/batches'] },
      { upstream: `http://127.0.0.1:${port}/v1` },
    );
    const response = await fetch(`${url}/batches`, { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([201, { id: 'batch-1' }]);
    creating.closeAllConnections();
    creating.close();
  });

  it('moderations answer in the form of OpenAI’s endpoint', async () => {
    const { client } = await guarded({ moderation: { categories: { X: 'illicit' } } });
    const { results, model } = await client.moderations.create({ input: ['a', 'X', 'w'] });
    expect(model).toBe('letters');
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true, false]);
    expect(results[1].categories.illicit).toBe(true);
    expect(results[1].category_scores).toMatchObject({ illicit: 0.9, violence: 0 });
    expect(Object.keys(results[0].categories)).toHaveLength(13);
    expect(results[1].category_applied_input_types.illicit).toEqual(['text']);
  });

  it('moderations that the guard fails at are refused, and said to be', async () => {
    const before = () => Promise.reject(new Error('no memory'));
    const { client, reports } = await guarded({}, { letters: { before } });
    expect(await failed(client.moderations.create({ input: 'a' }))).toMatchObject({ status: 503 });
    await until(() => reports.length === 1);
    expect(reports[0].outcome).toBe('refused');
  });

  it('moderations name the policy where the whole is over its threshold and no category is', async () => {
    const { client } = await guarded({ defaults: { thresholds: { principles: { X: 0.95 } } } });
    const [{ flagged, categories, category_scores }] = (await client.moderations.create({ input: 'X' }))
      .results;
    expect([flagged, categories, category_scores]).toMatchObject([
      true,
      { X: false, policy: true },
      { policy: 0.9 },
    ]);
  });

  it('metrics count what happened, and health says that it is well', async () => {
    upstream.script = () => chatCompletion({ content: 'X' });
    const { client, url, reports } = await guarded();
    await client.chat.completions.create(ask);
    await client.chat.completions.create({ ...ask, messages: [{ role: 'user', content: 'X' }] });
    await until(() => reports.length === 2);
    const origin = url.replace(/\/v1$/, '');
    const text = await (await fetch(`${origin}/metrics`)).text();
    expect(text).toContain('tenet_guard_requests_total{rule="default",outcome="blocked"} 2');
    expect(text).toContain(
      'tenet_guard_blocks_total{rule="default",mode="enforce",where="output",principle="X"} 1',
    );
    expect(text).toContain('tenet_guard_upstream_responses_total{status="200"} 1');
    expect(text).toContain('tenet_guard_screening_seconds_count{where="input"} 2');
    expect(text).toContain('tenet_guard_requests_active 0');
    expect(await (await fetch(`${origin}/healthz`)).json()).toEqual({
      status: 'ok',
      guard: 'letters',
      requests: 0,
    });
  });

  it('health says that it is not well once a stage of the guard can judge no more', async () => {
    const first = letterGuard({ scores: { X: 0.9 } });
    const ended = Object.assign(letterGuard({ scores: { X: 0.9 } }), { isClosed: true });
    const { url } = await guarded({}, { guard: cascade([{ guard: first, safe: 0.1 }, { guard: ended }]) });
    const health = await fetch(url.replace(/\/v1$/, '/healthz'));
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'failed', guard: 'cascade(letters, letters)' });
  });

  it('the audit log has a line for each request: texts as hashes, keys not at all', async () => {
    upstream.script = () => chatCompletion({ content: 'a wise answer' });
    const file = join(folder, 'audit.jsonl');
    const { client } = await guarded({ audit: { file } });
    await client.chat.completions.create(ask, { headers: { 'x-request-id': 'mine-1' } });
    await client.chat.completions.create({ ...ask, messages: [{ role: 'user', content: 'X marks it' }] });
    await open.pop()!.close();
    const text = await readFile(file, 'utf8');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      {
        outcome: 'allowed',
        clientRequestId: 'mine-1',
        model: 'any',
        answers: [{ characters: 13, hash: expect.stringMatching(/^sha256:/) }],
      },
      {
        outcome: 'blocked',
        input: { blocked: true, score: 0.9, threshold: 0.5, principle: 'X' },
        upstreamStatus: null,
      },
    ]);
    for (const secret of ['hello', 'wise', 'marks', 'client-key']) expect(text).not.toContain(secret);
  });

  it('the audit log has what was still at work when the server was closed', async () => {
    const file = join(folder, 'closing.jsonl');
    const before: LetterGuardOptions['before'] = () => new Promise((resolve) => setTimeout(resolve, 30));
    const { client, failures } = await guarded(
      { audit: { file }, rules: [{ name: 'watched', match: { model: 'watched' }, mode: 'shadow' }] },
      { letters: { before } },
    );
    upstream.script = () => chatCompletion({ content: 'X' });
    await client.chat.completions.create({ ...ask, model: 'watched' });
    upstream.script = async function* () {
      yield* chatChunks(['a']);
      await new Promise(() => {});
    };
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    const reading = failed(read(stream)).catch(() => {});
    await until(() => upstream.requests.length === 2);
    await open.pop()!.close({ graceMs: 20 });
    await reading;
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const byOutcome = Object.fromEntries(lines.map((line) => [JSON.parse(line).outcome, JSON.parse(line)]));
    expect(byOutcome).toMatchObject({
      allowed: { mode: 'shadow', answers: [{ blocked: true }] },
      aborted: { mode: 'enforce' },
    });
    expect(failures).toEqual([]);
  });

  it('requests that are too large, or too many, are turned away', async () => {
    upstream.script = () => new Promise(() => {});
    const { client, url } = await guarded({ limits: { requests: 1, requestBytes: 1000 } });
    const large = [{ role: 'user' as const, content: 'a'.repeat(2000) }];
    expect(await failed(client.chat.completions.create({ ...ask, messages: large }))).toMatchObject({
      status: 413,
    });
    const controller = new AbortController();
    const first = client.chat.completions.create(ask, { signal: controller.signal }).catch(() => {});
    await until(() => upstream.requests.length === 1);
    expect(await failed(client.chat.completions.create(ask))).toMatchObject({
      status: 503,
      code: 'overloaded',
    });
    controller.abort();
    await first;
    expect(url).toMatch(/\/v1$/);
  });
});
