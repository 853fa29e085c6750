import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProvider } from '../src/llm/providers/open-provider.ts';
import { isNeedsVotes, type ProvidedModel } from '../src/llm/providers/provided-model.ts';
import {
  type Fault,
  type MisbehavingServer,
  type MisbehavingServerOptions,
  misbehavingServer,
} from '../src/llm/testing/index.ts';

let server: MisbehavingServer;
let model: ProvidedModel;
let behaviour: MisbehavingServerOptions = {};
beforeEach(async () => {
  server = await misbehavingServer({
    answer: (request) => behaviour.answer?.(request) ?? 'fine',
    fault: (request) => behaviour.fault?.(request) ?? null,
  });
  model = await openProvider(
    { kind: 'openai-compatible', model: 'm', baseUrl: server.url },
    { prices: { 'openai-compatible:m@*': { input: 1, output: 2 } } },
  );
});
afterEach(async () => {
  behaviour = {};
  await server.close();
});

const ask = (content: string) => [{ role: 'user' as const, content }];
const bad = (message: string): Fault => ({ kind: 'status', status: 400, message });

describe('chat', () => {
  it('sends what decides the answer, and reads text, end and usage', async () => {
    behaviour = { answer: () => ({ text: 'one two three STOP four', finish: 'length' }) };
    const answer = await model.chat({
      messages: [{ role: 'system', content: 'Be brief.' }, ...ask('Count!')],
      temperature: 0.5,
      topP: 0.9,
      maxTokens: 7,
      stop: ['STOP'],
      seed: 3,
    });
    expect(server.requests[0].body).toMatchObject({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Count!' },
      ],
      ...{ temperature: 0.5, top_p: 0.9, max_tokens: 7, stop: ['STOP'], seed: 3, stream: true },
    });
    expect(answer).toMatchObject({ text: 'one two three ', finish: 'stop' });
    expect(await model.chat({ messages: ask('Count!') })).toMatchObject({ finish: 'length' });
    // 5 words and signs were sent and 5 came back: 5 × $1 and 5 × $2 for a million.
    expect(answer.usage).toMatchObject({ inputTokens: 5, outputTokens: 5, cached: false });
    expect(answer.usage.costUsd).toBeCloseTo(15e-6, 12);
  });

  it('asks for JSON of a form, and does without where the server knows of none', async () => {
    const json = { name: 'verdict', schema: { type: 'object', properties: { ok: { type: 'boolean' } } } };
    behaviour = {
      fault: ({ body }) => (body.response_format ? bad('response_format is not supported') : null),
    };
    await model.chat({ messages: ask('Is it?'), json });
    await model.chat({ messages: ask('Is it?'), json });
    expect(server.requests.map(({ body }) => body.response_format !== undefined)).toEqual([
      true,
      false,
      false,
    ]);
    expect(server.requests[0].body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { name: 'verdict' },
    });
  });

  it('goes on from a last message of the assistant, or asks for it in words where the server does not', async () => {
    const messages = [...ask('How tall?'), { role: 'assistant' as const, content: 'It is' }];
    await model.chat({ messages });
    expect(server.requests[0].body).toMatchObject({
      messages,
      continue_final_message: true,
      add_generation_prompt: false,
    });
    behaviour = {
      fault: ({ body }) =>
        body.continue_final_message ? bad('Unknown field: continue_final_message') : null,
      answer: () => 'It is 12 m.',
    };
    expect((await model.chat({ messages })).text).toBe(' 12 m.');
    expect(server.requests[2].body.messages).toEqual([
      {
        role: 'user',
        content: 'How tall?\n\nBegin your answer with exactly these words and go on from there:\nIt is',
      },
    ]);
    await model.chat({ messages });
    expect(server.requests).toHaveLength(4); // it is not tried again
  });

  it.each<[Fault, RegExp, boolean]>([
    [{ kind: 'status', status: 500 }, /failed \(500\)/, true],
    [{ kind: 'hang-up' }, /broke off the connection/, true],
    [{ kind: 'hang-up-midway' }, /broke off the connection/, true],
    [{ kind: 'silence' }, /sent nothing for 0.15 seconds/, true],
    [{ kind: 'silence-midway' }, /sent nothing for 0.15 seconds/, true],
    [{ kind: 'cut-short' }, /cannot be read|broke off/, true],
    [{ kind: 'malformed-json' }, /cannot be read/, true],
    [{ kind: 'wrong-json' }, /cannot be read/, true],
    [{ kind: 'no-choices' }, /cannot be read|broke off/, true],
    [{ kind: 'endless' }, /does not keep to the limit/, false],
    [bad('max_tokens is too large'), /refused the request \(400\): max_tokens is too large/, false],
  ])('fails with its reason: %j', async (fault, message, retryable) => {
    behaviour = { fault: () => fault, answer: () => 'a longer answer of several words' };
    const timeoutMs = fault.kind.startsWith('silence') ? 150 : undefined;
    const impatient = await openProvider(
      { kind: 'openai-compatible', model: 'm', baseUrl: server.url },
      { timeoutMs },
    );
    const failed = impatient.chat({ messages: ask('?'), maxTokens: 20 });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toMatchObject({ code: 'provider', details: { retryable } });
  });

  it('stops at a signal, and closes the connection', async () => {
    behaviour = { fault: () => ({ kind: 'silence-midway' }) };
    const controller = new AbortController();
    const call = model.chat({ messages: ask('?') }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(call).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('choose', () => {
  const question = { messages: ask('A or B?'), options: ['A', 'B'] };

  it('reads log-probabilities of the first tokens', async () => {
    behaviour = { answer: () => ({ text: 'B', firstToken: { B: 0.6, ' B': 0.1, A: 0.2, I: 0.1 } }) };
    const choice = await model.choose(question);
    expect(choice.probabilities[1]).toBeCloseTo(0.7 / 0.9, 9);
    expect(choice.mass).toBeCloseTo(0.9, 9);
    expect(choice.method).toBe('log-probs');
    expect(server.requests[0].body).toMatchObject({ logprobs: true, top_logprobs: 20, temperature: 0 });
    const cold = await model.choose({ ...question, temperature: 0 });
    expect(cold.probabilities).toEqual([0, 1]);
  });

  it('asks for fewer alternatives where 20 are too many', async () => {
    behaviour = {
      answer: () => ({ text: 'A', firstToken: { A: 0.9, B: 0.1 } }),
      fault: ({ body }) => (Number(body.top_logprobs) > 5 ? bad('top_logprobs must be at most 5') : null),
    };
    expect((await model.choose(question)).mass).toBeCloseTo(1, 9);
    await model.choose(question);
    expect(server.requests.map(({ body }) => body.top_logprobs)).toEqual([20, 5, 5]);
  });

  it('knows nothing where the answer is about something else', async () => {
    behaviour = { answer: () => ({ text: 'I cannot say', firstToken: { I: 1 } }) };
    expect(await model.choose(question)).toMatchObject({ probabilities: [0.5, 0.5], mass: 0 });
    expect(model.exactChoices).toBe(true);
  });

  it('calls for votes where log-probabilities are refused or missing', async () => {
    behaviour = { fault: ({ body }) => (body.logprobs ? bad('logprobs are not available') : null) };
    const refused = model.choose(question);
    await expect(refused.catch(isNeedsVotes)).resolves.toBe(true);
    expect(model.exactChoices).toBe(false);
    const other = await openProvider({ kind: 'openai-compatible', model: 'm', baseUrl: server.url });
    behaviour = { answer: () => 'A' };
    await expect(other.choose(question)).rejects.toMatchObject({
      details: { needsVotes: true, usage: { inputTokens: 4 } },
    });
    expect(other.exactChoices).toBe(false);
  });

  it('learns what is refused from many requests at once', async () => {
    behaviour = {
      answer: () => ({ text: 'A', firstToken: { A: 0.9, B: 0.1 } }),
      fault: ({ body }) =>
        body.continue_final_message
          ? bad('continue_final_message is not known')
          : Number(body.top_logprobs) > 5
            ? bad('top_logprobs must be at most 5')
            : null,
    };
    const begun = {
      ...question,
      messages: [...question.messages, { role: 'assistant' as const, content: 'It is' }],
    };
    const choices = await Promise.all(Array.from({ length: 8 }, () => model.choose(begun)));
    for (const choice of choices) expect(choice.mass).toBeCloseTo(1, 9);
    expect(server.requests.length).toBeLessThanOrEqual(24); // each is asked at most twice more
  });
});

describe('keys', () => {
  const names = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_COMPATIBLE_API_KEY'];
  const before = new Map(names.map((name) => [name, process.env[name]]));
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it('come from the environment, and errors do not repeat them', async () => {
    process.env.OPENAI_COMPATIBLE_API_KEY = 'a-key-of-ours';
    const own = await openProvider({ kind: 'openai-compatible', model: 'm', baseUrl: server.url });
    behaviour = { fault: () => ({ kind: 'status', status: 401, message: 'bad key a-key-of-ours' }) };
    const failed = own.chat({ messages: ask('?') });
    await expect(failed).rejects.toThrow(
      /refused the key in OPENAI_COMPATIBLE_API_KEY \(401\): bad key \[key\]/,
    );
    expect(server.requests[0].headers.authorization).toBe('Bearer a-key-of-ours');
  });

  it('are asked for by name', async () => {
    delete process.env.OPENAI_API_KEY;
    delete process.env.ANTHROPIC_API_KEY;
    await expect(openProvider({ kind: 'openai', model: 'gpt-4.1' })).rejects.toThrow(
      /openai:gpt-4.1 needs a key: set the environment variable OPENAI_API_KEY/,
    );
    await expect(openProvider({ kind: 'anthropic', model: 'c' })).rejects.toThrow(/ANTHROPIC_API_KEY/);
  });
});

describe('OpenAI itself', () => {
  it('is asked through its own provider object, for log-probabilities too', async () => {
    const before = { ...process.env };
    process.env.OPENAI_API_KEY = 'sk-for-a-test';
    process.env.OPENAI_BASE_URL = server.url;
    try {
      const own = await openProvider({ kind: 'openai', model: 'gpt-4.1-mini' });
      behaviour = { answer: () => ({ text: 'A', firstToken: { A: 0.8, B: 0.2 } }) };
      const choice = await own.choose({ messages: ask('A or B?'), options: ['A', 'B'] });
      expect(choice.probabilities[0]).toBeCloseTo(0.8, 9);
      // 4 tokens in and 1 out, at the list price of $0.4 and $1.6 a million.
      expect(choice.usage.costUsd).toBeCloseTo((4 * 0.4 + 1.6) / 1e6, 12);
      expect((await own.chat({ messages: ask('hello') })).text).toBe('A');
      expect(server.requests[0].headers.authorization).toBe('Bearer sk-for-a-test');
      const thinking = await openProvider({ kind: 'openai', model: 'o3' });
      expect([own.exactChoices, thinking.exactChoices, thinking.hiddenTokens]).toEqual([true, false, 8192]);
    } finally {
      process.env = before;
    }
  });
});
