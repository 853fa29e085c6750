/** A model served with its guard: probes on its own hidden states, computed while it answers. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import {
  type ClassifierGuard,
  type ExchangeReport,
  type GuardMessage,
  type GuardPolicyInput,
  openClassifierGuard,
  toPolicy,
  trainProbes,
} from '../src/guard/index.ts';
import { ProbeScorer } from '../src/guard/probe/probe-scorer.ts';
import { wordExamples } from '../src/guard/testing/words-guard-data.ts';
import {
  initialiseParameters,
  loadModelFolder,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
  TextGenerator,
} from '../src/model/index.ts';
import { plattProbability } from '../src/objective/index.ts';
import {
  type RunningGuardedModel,
  type RunningServer,
  serveGuardedModel,
  serveOpenAi,
} from '../src/server/index.ts';
import { trainBpe } from '../src/text/index.ts';

const examples = wordExamples(240);
let home: string;
let model: string;
let probe: string;
let plain: RunningServer;
/** The probe in a pass of its own. */
let own: ClassifierGuard;
/** Its numbers for given tokens, and what tells the tokens that the server draws. */
let scorer: ProbeScorer;
let generator: TextGenerator;
/** Blocks nothing. */
let lenient: Guarded;

async function makeModel(folder: string, seed: number): Promise<void> {
  const texts = examples.map(({ request, answer }) => `${request} ${answer}`);
  const { tokenizer } = await trainBpe(texts, { vocabSize: 320, specialTokens: ['<|endoftext|>'] });
  const config = makeLlamaConfig({
    ...{ vocabSize: tokenizer.vocabSize, width: 48, layers: 3, heads: 4, innerWidth: 64, maxPositions: 128 },
    ...{ eosId: tokenizer.eosId, initializerRange: 0.3 },
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(seed));
  await saveModelFolder(folder, {
    ...{ config, parameters, tokenizerFiles: tokenizer.files },
    card: { name: 'm', summary: '', stages: [] },
  });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tenet-guarded-model-'));
  [model, probe] = [join(home, 'model'), join(home, 'probe')];
  await makeModel(model, 1);
  await trainProbes(probe, model, [{ path: 'w', hash: 'sha256:0', use: 'train', examples }], {
    probe: {
      ...{ layers: [0, 1], window: 4, epochs: 12, learningRate: 0.02, weightDecay: 0.05 },
      ...{ batchSize: 32, seed: 1, threads: 1 },
    },
    ...{ parts: { holdOut: ['words-4'], similarity: 1 }, maxLength: 96 },
  });
  own = await openClassifierGuard(probe, { threads: 1 });
  const { config, parameters } = await loadModelFolder(model);
  scorer = await ProbeScorer.create(config, parameters, own.file.probe!, { threads: 1 });
  generator = await TextGenerator.load(model, { threads: 1 });
  plain = await serveOpenAi({ folder: model, name: 'm', port: 0, engine: { threads: 1 } });
  lenient = await start({ defaults: { thresholds: { input: 1, output: 1 } } });
});
afterEach(() => {
  expect(lenient.failures).toEqual([]);
  lenient.reports.length = 0;
});
afterAll(async () => {
  await plain.close();
  await lenient.server.close();
  await own.close();
  await scorer.release();
  await generator.release();
  await rm(home, { recursive: true });
});

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close({ graceMs: 50 });
});

interface Guarded {
  readonly server: RunningGuardedModel;
  readonly client: OpenAI;
  readonly reports: ExchangeReport[];
  readonly failures: unknown[];
}

async function start(policy: GuardPolicyInput): Promise<Guarded> {
  const reports: ExchangeReport[] = [];
  const failures: unknown[] = [];
  const server = await serveGuardedModel({
    ...{ folder: model, name: 'm', port: 0, engine: { threads: 1, batchSize: 4 }, guard: probe },
    policy: toPolicy(policy),
    observers: [{ finished: (report) => reports.push(report) }],
    onFailure: (error) => failures.push(error),
  });
  return { server, client: clientOf(server), reports, failures };
}

/** Until the end of the test. */
async function guarded(policy: GuardPolicyInput): Promise<Guarded> {
  const started = await start(policy);
  open.push(started.server);
  return started;
}

const clientOf = ({ url }: RunningServer) => new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'the cat sees a dog near the river' }];
const ask = { model: 'm', messages, max_tokens: 24, seed: 3, n: 3 };
/** By token that a choice draws: the text and the largest score up to it. The token that ends the text is left out. */
async function drawn(
  conversation: readonly GuardMessage[],
  choice: number,
): Promise<{ readonly texts: string[]; readonly scores: number[] }> {
  const request = { messages: conversation.map((message) => ({ ...message })) };
  const options = { maxNewTokens: ask.max_tokens, seed: ask.seed + choice, temperature: 1 };
  const { ids } = await generator.submit({ ...request, options });
  const spelling = Array.from(ids).filter((id) => !generator.tokenizer.specialIds.has(id));
  const reader = scorer.open();
  await reader.read(generator.promptIds(request));
  const { scores: means } = await reader.read(spelling);
  const head = own.file.kinds.indexOf('exchange');
  const { scaling } = own.file.calibration.kinds.exchange!;
  let largest = Number.NEGATIVE_INFINITY;
  const scores = spelling.map((_, t) => {
    largest = Math.max(largest, means[t * scorer.numbers + head]);
    return plattProbability(scaling, largest);
  });
  const texts = spelling.map((_, t) => generator.tokenizer.decode(spelling.slice(0, t + 1)).trim());
  return { texts, scores };
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

interface Said {
  readonly texts: string[];
  readonly finishes: (string | null)[];
  /** [choices] tokens whose log-probabilities were told. */
  readonly tokens: string[][];
}

async function stream(client: OpenAI, more: object = {}): Promise<Said> {
  const said: Said = { texts: [], finishes: [], tokens: [] };
  const chunks = await client.chat.completions.create({ ...ask, ...more, stream: true });
  for await (const { choices } of chunks) {
    for (const { index, delta, finish_reason, logprobs } of choices) {
      said.texts[index] = (said.texts[index] ?? '') + (delta.content ?? '');
      said.finishes[index] = finish_reason ?? said.finishes[index] ?? null;
      said.tokens[index] ??= [];
      said.tokens[index].push(...(logprobs?.content ?? []).map(({ token }) => token));
    }
  }
  return said;
}

describe('what a guarded model says', () => {
  it('is what it says unguarded where nothing is blocked: whole, streamed, with log-probabilities', async () => {
    const { client, server, reports } = lenient;
    expect(server).toMatchObject({ guard: own.name, sharedProbe: own.name });
    const direct = clientOf(plain);
    const [whole, expected] = await Promise.all(
      [client, direct].map((one) => one.chat.completions.create(ask)),
    );
    expect(whole.choices).toEqual(expected.choices);
    expect(whole.usage).toEqual(expected.usage);
    const logprobs = { logprobs: true, top_logprobs: 1 };
    expect(await stream(client, logprobs)).toEqual(await stream(direct, logprobs));
    await until(() => reports.length === 2);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['allowed', 'allowed']);
  });

  it('has the scores that the probe gives in a pass of its own', async () => {
    const { client, reports } = lenient;
    const bad: GuardMessage[] = [{ role: 'user', content: 'the old dog sees a bomb under the green tree' }];
    for (const conversation of [messages, bad]) {
      await client.chat.completions.create({ ...ask, messages: conversation } as never);
      await until(() => reports.length === 1);
      const [{ input, answers }] = reports.splice(0);
      expect(input).toMatchObject({ stage: 'probe', blocked: false });
      expect(input!.score).toBeCloseTo((await own.screenInput(conversation)).score, 4);
      for (const [choice, { verdict, text }] of answers.entries()) {
        const expected = await drawn(conversation, choice);
        expect(text).toBe(expected.texts.at(-1));
        expect(verdict!.score).toBeCloseTo(expected.scores.at(-1)!, 4);
      }
    }
  });

  it('never passes its threshold: the same answers, stopped where they first reach it', async () => {
    const unguarded = await stream(lenient.client);
    await until(() => lenient.reports.length === 1);
    const scores = lenient.reports[0].answers.map(({ verdict }) => verdict!.score);
    const threshold = scores.toSorted((a, b) => a - b)[1] - 1e-6; // two of the three reach it
    const { client, reports } = await guarded({ defaults: { thresholds: { input: 1, output: threshold } } });
    const refusal = 'I can’t help with that.';
    const said = await stream(client);
    await until(() => reports.length === 1);
    const { answers, outcome } = reports[0];
    expect(outcome).toBe('blocked');
    for (const [i, whole] of unguarded.texts.entries()) {
      const { blocked } = answers[i].verdict!;
      expect(blocked).toBe(scores[i] >= threshold);
      expect(said.finishes[i]).toBe(blocked ? 'content_filter' : unguarded.finishes[i]);
      if (!blocked) expect(said.texts[i]).toBe(whole);
      else {
        expect(said.texts[i].endsWith(refusal)).toBe(true);
        const left = said.texts[i].slice(0, -refusal.length).replace(/\n\n$/, '');
        expect(whole.startsWith(left)).toBe(true);
        // Nothing of the token that reaches the threshold, nor of those behind it.
        const { texts, scores: soFar } = await drawn(messages, i);
        const reaches = soFar.findIndex((score) => score >= threshold);
        expect(left.length).toBeLessThanOrEqual(reaches === 0 ? 0 : texts[reaches - 1].length);
      }
    }
    // Not streamed, the whole answer is the refusal.
    const { choices } = await client.chat.completions.create(ask);
    expect(choices.map(({ message }) => message.content === refusal)).toEqual(
      scores.map((score) => score >= threshold),
    );
  });
});

describe('a conversation', () => {
  it('that is blocked is refused in the form of the API, and nothing of an answer leaves', async () => {
    const { client, server, reports } = await guarded({ defaults: { thresholds: { input: 0, output: 1 } } });
    const { choices } = await client.chat.completions.create(ask);
    expect(choices).toHaveLength(3);
    expect(choices[0]).toMatchObject({
      finish_reason: 'content_filter',
      message: { content: 'I can’t help with that.' },
    });
    expect(await stream(client)).toMatchObject({ finishes: Array(3).fill('content_filter') });
    await until(() => reports.length === 2);
    expect(reports[0]).toMatchObject({ outcome: 'blocked', answers: [] });
    const metrics = await (await fetch(server.url.replace('/v1', '/metrics'))).text();
    expect(metrics).toMatch(/tenet_guard_blocks_total\{[^}]*where="input"[^}]*\} 2/);
    // The model's work on them has ended.
    const health = await (await fetch(server.url.replace('/v1', '/healthz'))).json();
    expect(health).toMatchObject({ status: 'ok', requests: 0 });
  });

  it('that the model does not read is refused by the model, in its words', async () => {
    const { client } = lenient;
    const long = [{ role: 'user' as const, content: 'the cat sees a dog '.repeat(60) }];
    const refused = client.chat.completions.create({ ...ask, messages: long });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
    await expect(client.chat.completions.create({ ...ask, model: 'other' })).rejects.toMatchObject({
      ...{ status: 404, code: 'model_not_found' },
    });
  });
});

it('is the first stage of a cascade, in shadow mode too, and reads by itself what the model does not', async () => {
  const audit = join(home, 'audit.jsonl');
  const { client, server, reports } = await guarded({
    defaults: { mode: 'shadow' },
    audit: { file: audit },
    cascade: [
      { guard: probe, safe: 0.999 },
      { guard: 'keywords', harmful: 0.5 },
    ],
  });
  expect(server.sharedProbe).toBe(own.name);
  await stream(client);
  const moderated = await client.moderations.create({ input: 'the dog sees a bomb' });
  expect(moderated.results[0].category_scores).toBeDefined();
  const completed = await client.completions.create({
    model: 'm',
    prompt: 'the cat',
    max_tokens: 4,
    seed: 1,
  });
  expect(completed.choices).toHaveLength(1);
  await until(() => reports.length === 3);
  expect(reports.map(({ input }) => input!.stage)).toEqual(['probe', 'probe', 'probe']);
  await server.close();
  expect((await readFile(audit, 'utf8')).trim().split('\n')).toHaveLength(3);
});

it('refuses probes on what the model was before', async () => {
  const other = join(home, 'other');
  await makeModel(other, 2);
  const serving = serveGuardedModel({
    folder: other,
    name: 'm',
    port: 0,
    guard: probe,
    engine: { threads: 1 },
  });
  // Of another folder: the probe is opened by itself, on the model that it belongs to.
  const server = await serving;
  expect(server.sharedProbe).toBeNull();
  await server.close();
  await rm(model, { recursive: true });
  await makeModel(model, 2);
  const wrong = serveGuardedModel({
    folder: model,
    name: 'm',
    port: 0,
    guard: probe,
    engine: { threads: 1 },
  });
  await expect(wrong).rejects.toThrow(/fitted to the hidden states of another model/);
});
