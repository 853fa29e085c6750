/** `tenet serve --openai`, used through the official client as any program would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { openModel } from '../src/llm/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
  TextGenerator,
} from '../src/model/index.ts';
import { type RunningServer, serveOpenAi } from '../src/server/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { compiled } from './fixtures/compiled.ts';

let parent: string;
let folder: string;
let server: RunningServer;
let client: OpenAI;
let direct: TextGenerator;
const failures: unknown[] = [];
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tenet-serve-'));
  folder = join(parent, 'tiny');
  const corpus = [
    'the cat sat on the mat and the hat '.repeat(5),
    'Human: Assistant: what is 0 1 2 3 é ü 😀 '.repeat(5),
  ];
  const { tokenizer } = await trainBpe(corpus, { vocabSize: 310, specialTokens: ['<|endoftext|>'] });
  const shape = { width: 16, layers: 2, heads: 4, kvHeads: 2, innerWidth: 24, maxPositions: 256 };
  const config = makeLlamaConfig({ vocabSize: tokenizer.vocabSize, initializerRange: 0.4, ...shape });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(6));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(folder, { config, parameters, tokenizerFiles: tokenizer.files, card });
  const engine = { threads: 1, batchSize: 8 };
  server = await serveOpenAi({
    folder,
    name: 'tiny',
    port: 0,
    engine,
    mostRequests: 40,
    onFailure: (error) => failures.push(error),
  });
  client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  direct = await TextGenerator.load(folder, { threads: 1 });
});
afterAll(async () => {
  await server.close();
  await direct.release();
  await rm(parent, { recursive: true });
  expect(failures).toEqual([]);
});

const messages = [{ role: 'user' as const, content: 'what is the cat' }];
const ask = { model: 'tiny', messages, max_tokens: 24 };
const failed = (call: Promise<unknown>): Promise<InstanceType<typeof APIError>> =>
  call.then(
    () => Promise.reject(new Error('it was answered')),
    (error) => (error instanceof APIError ? error : Promise.reject(error)),
  );

describe('chat completions', () => {
  it('are what the engine writes, with usage', async () => {
    const completion = await client.chat.completions.create({ ...ask, temperature: 0 });
    const [expected] = await direct.generate([{ messages, options: { temperature: 0, maxNewTokens: 24 } }]);
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'tiny',
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/),
    });
    expect(completion.choices).toMatchObject([
      {
        index: 0,
        message: { role: 'assistant', content: expected.text },
        finish_reason: expected.finish,
        logprobs: null,
      },
    ]);
    const [input, output] = [expected.promptTokens, expected.ids.length];
    expect(completion.usage).toEqual({
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
    });
  });

  it('draw alike for the same seed, otherwise for another or none, and n of them at once', async () => {
    const texts = async (more: object): Promise<(string | null)[]> =>
      (await client.chat.completions.create({ ...ask, ...more })).choices.map(
        ({ message }) => message.content,
      );
    const five = await texts({ seed: 5, n: 4 });
    expect(await texts({ seed: 5, n: 4 })).toEqual(five);
    expect(new Set(five).size).toBe(4);
    expect((await texts({ seed: 5 }))[0]).toBe(five[0]);
    expect((await texts({ seed: 6 }))[0]).toBe(five[1]);
    expect(await texts({})).not.toEqual(await texts({}));
    const usage = (await client.chat.completions.create({ ...ask, n: 3 })).usage!;
    expect(usage.prompt_tokens).toBe(direct.promptIds({ messages }).length);
  });

  it('stop before a stop text, and when the limit is reached', async () => {
    const whole = (await client.chat.completions.create({ ...ask, seed: 2, max_completion_tokens: 40 }))
      .choices[0];
    const stop = whole.message.content!.slice(10, 13);
    const cut = (
      await client.chat.completions.create({
        ...ask,
        seed: 2,
        max_completion_tokens: 40,
        stop: [stop, 'never'],
      })
    ).choices[0];
    const kept = whole.message.content!.slice(0, whole.message.content!.indexOf(stop)).trimEnd();
    expect(cut).toMatchObject({ finish_reason: 'stop', message: { content: kept } });
    const short = await client.chat.completions.create({ ...ask, seed: 2, max_tokens: 2 });
    expect(short.choices[0].finish_reason).toBe('length');
    expect(short.usage!.completion_tokens).toBe(2);
  });

  it('tell log-probabilities of the tokens that spell them, and of the likeliest others', async () => {
    const completion = await client.chat.completions.create({
      ...ask,
      seed: 3,
      temperature: 0.7,
      logprobs: true,
      top_logprobs: 4,
    });
    const [{ message, logprobs }] = completion.choices;
    const content = logprobs!.content!;
    const bytes = Buffer.from(content.flatMap((token) => token.bytes!));
    expect(bytes.toString('utf8').trim()).toBe(message.content);
    const own = await direct.submit({
      messages,
      options: { seed: 3, temperature: 0.7, maxNewTokens: 24, alternatives: 4 },
    });
    content.forEach(({ logprob, top_logprobs }, t) => {
      expect(logprob).toBeCloseTo(own.alternatives![t].logProb, 4);
      expect(top_logprobs.map((other) => other.logprob)).toHaveLength(4);
      top_logprobs.forEach((other, k) => {
        expect(other.logprob).toBeCloseTo(own.alternatives![t].likeliest[k].logProb, 4);
      });
    });
    const without = await client.chat.completions.create({ ...ask, seed: 3, logprobs: true });
    expect(without.choices[0].logprobs!.content![0].top_logprobs).toEqual([]);
  });

  it('go on from a last message of the assistant, where asked to', async () => {
    const begun = [...messages, { role: 'assistant' as const, content: 'the mat' }];
    const more = { continue_final_message: true, add_generation_prompt: false };
    const { choices } = await client.chat.completions.create({
      ...ask,
      ...more,
      messages: begun,
      temperature: 0,
    });
    const own = await direct.submit({
      messages: begun,
      continueFinal: true,
      options: { temperature: 0, maxNewTokens: 24 },
    });
    expect(choices[0].message.content).toBe(own.text);
  });

  it('take parts of text and the role of a developer', async () => {
    const parts = [
      { role: 'developer' as const, content: 'Be kind' },
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'what' },
          { type: 'text' as const, text: 'is it' },
        ],
      },
    ];
    const { usage } = await client.chat.completions.create({ ...ask, messages: parts });
    const plain = [
      { role: 'system', content: 'Be kind' },
      { role: 'user', content: 'what\nis it' },
    ];
    expect(usage!.prompt_tokens).toBe(direct.promptIds({ messages: plain }).length);
  });

  it('are answered together, each as if it were alone', async () => {
    const asked = Array.from({ length: 30 }, (_, i) => ({
      ...ask,
      seed: i,
      messages: [{ role: 'user' as const, content: `what is ${i}` }],
      max_tokens: 5 + i,
    }));
    const together = await Promise.all(asked.map((request) => client.chat.completions.create(request)));
    const alone = await direct.generate(
      asked.map((request) => ({
        messages: request.messages,
        options: { seed: request.seed, maxNewTokens: request.max_tokens, temperature: 1 },
      })),
    );
    expect(together.map(({ choices }) => choices[0].message.content)).toEqual(alone.map(({ text }) => text));
  });
});

describe('a stream', () => {
  it('spells the same answer piece by piece, with usage at the end where asked for', async () => {
    const request = { ...ask, seed: 8, n: 2, max_tokens: 40 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    const ends: (string | null)[] = [];
    let pieces = 0;
    let usage: object | null | undefined;
    for await (const { choices, usage: told } of stream) {
      for (const { index, delta, finish_reason } of choices) {
        texts[index] += delta.content ?? '';
        if (delta.content) pieces++;
        if (finish_reason) ends[index] = finish_reason;
      }
      if (choices.length > 0) expect(told).toBeNull();
      else usage = told;
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(ends).toEqual(whole.choices.map(({ finish_reason }) => finish_reason));
    expect(usage).toEqual(whole.usage);
    expect(pieces).toBeGreaterThan(20);
  });

  it('tells the log-probabilities of each piece', async () => {
    const request = { ...ask, seed: 9, logprobs: true, top_logprobs: 2 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({ ...request, stream: true });
    const tokens: { token: string; logprob: number }[] = [];
    for await (const { choices } of stream) tokens.push(...(choices[0]?.logprobs?.content ?? []));
    expect(tokens.map(({ token }) => token)).toEqual(
      whole.choices[0].logprobs!.content!.map(({ token }) => token),
    );
  });

  it('stops the engine when the client goes away, also before the first piece', async () => {
    const stream = await client.chat.completions.create({ ...ask, max_tokens: 200, n: 4, stream: true });
    for await (const _ of stream) break;
    const controller = new AbortController();
    const call = client.chat.completions.create(
      { ...ask, max_tokens: 200, n: 8 },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 30);
    await expect(call).rejects.toThrow(/abort/i);
    const health = async () =>
      ((await (await fetch(new URL('/healthz', server.url))).json()) as { requests: number }).requests;
    for (let i = 0; i < 100 && (await health()) > 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await health()).toBe(0);
  });
});

describe('text completions', () => {
  it('continue texts and tokens, several at once', async () => {
    const { choices, usage } = await client.completions.create({
      model: 'tiny',
      prompt: ['the cat', 'what is'],
      temperature: 0,
      max_tokens: 8,
      n: 2,
    });
    const expected = await direct.generate(
      ['the cat', 'what is'].map((prompt) => ({ prompt, options: { temperature: 0, maxNewTokens: 8 } })),
    );
    expect(choices.map(({ text }) => text)).toEqual([0, 0, 1, 1].map((i) => expected[i].text));
    expect(usage!.prompt_tokens).toBe(expected[0].promptTokens + expected[1].promptTokens);
    const ids = direct.promptIds({ prompt: 'the cat' });
    const fromIds = await client.completions.create({
      model: 'tiny',
      prompt: ids,
      temperature: 0,
      max_tokens: 8,
    });
    expect(fromIds.choices[0].text).toBe(expected[0].text);
  });

  it('tell how likely a given text is, as evaluation harnesses ask for it', async () => {
    const [context, answer] = ['the cat sat on', ' the mat'];
    const ids = direct.promptIds({ prompt: context + answer });
    const { choices, usage } = await client.completions.create({
      model: 'tiny',
      prompt: ids,
      echo: true,
      logprobs: 1,
      max_tokens: 1,
      temperature: 0,
    });
    const { tokens, token_logprobs: told, top_logprobs: top, text_offset: offsets } = choices[0].logprobs!;
    expect(tokens).toHaveLength(ids.length + 1);
    expect(choices[0].text.startsWith(context + answer)).toBe(true);
    expect(told![0]).toBeNull();
    const { continuations } = await direct.continuations({ prompt: context }, [answer]);
    const [{ logProbs }] = continuations;
    const start = ids.length - logProbs.length;
    logProbs.forEach((logProb, i) => {
      expect(told![start + i]).toBeCloseTo(logProb, 4);
      expect(Math.max(...Object.values(top![start + i]))).toBeGreaterThanOrEqual(told![start + i] - 1e-6);
    });
    expect(offsets!.slice(0, 3)).toEqual([0, tokens![0].length, tokens![0].length + tokens![1].length]);
    expect(usage).toEqual({ prompt_tokens: ids.length, completion_tokens: 1, total_tokens: ids.length + 1 });
  });

  it('stream', async () => {
    const request = { model: 'tiny', prompt: 'the', seed: 4, max_tokens: 20 };
    const whole = await client.completions.create(request);
    const stream = await client.completions.create({ ...request, stream: true });
    let text = '';
    for await (const { choices } of stream) text += choices[0].text;
    expect(text).toBe(whole.choices[0].text);
  });
});

it('lists its model', async () => {
  const models = await client.models.list();
  expect(models.data).toMatchObject([{ id: 'tiny', object: 'model', owned_by: 'tenet' }]);
  expect(await client.models.retrieve('tiny')).toEqual(models.data[0]);
  expect(await failed(client.models.retrieve('gpt-4'))).toMatchObject({
    status: 404,
    code: 'model_not_found',
  });
});

describe('errors', () => {
  it.each<[string, object, object, RegExp]>([
    [
      'another model',
      { model: 'gpt-4' },
      { status: 404, code: 'model_not_found', param: 'model' },
      /'gpt-4' does not exist; this server offers 'tiny'/,
    ],
    [
      'no messages',
      { messages: undefined },
      { status: 400, param: 'messages' },
      /Missing required parameter: 'messages'/,
    ],
    ['an empty list', { messages: [] }, { status: 400, param: 'messages' }, /at least one message/],
    [
      'a temperature',
      { temperature: 3 },
      { status: 400, param: 'temperature' },
      /Invalid value for 'temperature'/,
    ],
    ['no choices', { n: 0 }, { status: 400, param: 'n' }, /'n'/],
    [
      'alternatives without logprobs',
      { top_logprobs: 2 },
      { status: 400, param: 'top_logprobs' },
      /needs logprobs to be true/,
    ],
    [
      'a misspelt field',
      { max_token: 5 },
      { status: 400, param: 'max_token', code: 'unknown_parameter' },
      /Did you mean max_tokens\?/,
    ],
    [
      'tools',
      { tools: [{ type: 'function' }] },
      { status: 400, param: 'tools' },
      /tools is not supported by this server/,
    ],
    [
      'JSON',
      { response_format: { type: 'json_object' } },
      { status: 400 },
      /response_format other than text is not supported/,
    ],
    [
      'a prompt that is too long',
      { messages: [{ role: 'user', content: 'the mat '.repeat(300) }] },
      { status: 400, code: 'context_length_exceeded' },
      /but the model holds 256/,
    ],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      { status: 400 },
      /Invalid value for 'messages.0.content/,
    ],
  ])('%s', async (_, wrong, expected, message) => {
    const error = await failed(client.chat.completions.create({ ...ask, ...wrong } as typeof ask));
    expect(error).toMatchObject({ type: 'invalid_request_error', ...expected });
    expect(error.message).toMatch(message);
  });

  it('when too many requests are under way, with a time to wait', async () => {
    // Long answers, so that on a busy machine too the first is not done before the last has come.
    const calls = Array.from({ length: 60 }, (_, i) =>
      client.chat.completions.create({ ...ask, max_tokens: 200, seed: i }),
    );
    const settled = await Promise.allSettled(calls);
    const refused = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(20);
    expect(refused[0]).toMatchObject({ status: 503, code: 'overloaded' });
    expect(refused[0].headers.get('retry-after')).toBe('1');
  });
});

it('says so when the port is taken, or is public and has no key', async () => {
  const { port } = new URL(server.url);
  await expect(serveOpenAi({ folder, name: 'tiny', port: Number(port) })).rejects.toThrow(
    /another program uses it; give another --port/,
  );
  await expect(serveOpenAi({ folder, name: 'tiny', host: '0.0.0.0' })).rejects.toThrow(
    /0.0.0.0 can be reached by others, so the server needs a key: set TENET_SERVE_API_KEY/,
  );
});

describe('Tenet as the client', () => {
  it('chats and chooses over HTTP as it does locally', async () => {
    const [remote, local] = await Promise.all([
      openModel(`openai-compatible:tiny@${server.url}`),
      openModel(`local:${folder}`),
    ]);
    const question = {
      messages: [...messages, { role: 'assistant' as const, content: 'it is' }],
      options: ['the', 'a'],
    };
    const [far, near] = await Promise.all([remote.choose(question), local.choose(question)]);
    expect(near.method).toBe('log-probs');
    // Only the likeliest 20 tokens are told over HTTP, so far less certain choices are voted on.
    if (far.method === 'log-probs') expect(far.mass).toBeGreaterThanOrEqual(near.mass - 1e-4);
    const greedy = { messages, temperature: 0, maxTokens: 20 };
    expect((await remote.chat(greedy)).text).toBe((await local.chat(greedy)).text);
    await local.close();
  });
});

describe('the command', () => {
  const script = compiled('src/cli/main.ts');
  const start = (argv: readonly string[]): ChildProcess =>
    spawn(process.execPath, [script, 'serve', ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('serves until Ctrl-C, and lets the requests under way finish', async () => {
    const child = start(['--openai', '-m', folder, '--port', '0', '--threads', '1', '--json']);
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const line = await new Promise<string>((resolve) =>
      child.stdout!.once('data', (data) => resolve(String(data))),
    );
    const { url, model } = JSON.parse(line) as { url: string; model: string };
    expect(model).toBe('tiny');
    const own = new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
    const stream = await own.chat.completions.create({ ...ask, max_tokens: 100, stream: true });
    let text = '';
    let finish: string | null = null;
    for await (const { choices } of stream) {
      if (text === '') child.kill('SIGINT');
      text += choices[0].delta.content ?? '';
      finish = choices[0].finish_reason ?? finish;
    }
    expect(finish).not.toBeNull();
    expect(await ended).toBe(0);
  });
});
