/** A cascade of keywords and a judge from a policy file, in front of a server; the judge is a model behind HTTP. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCascade, parsePolicy } from '../src/guard/index.ts';
import { type Fault, misbehavingServer } from '../src/llm/testing/index.ts';
import { type RunningServer, serveGuard, serveOpenAi } from '../src/server/index.ts';
import { serveGuardProcess } from './fixtures/guard-process.ts';
import {
  chatChunks,
  chatCompletion,
  done,
  type ScriptedUpstream,
  scriptedUpstream,
} from './fixtures/scripted-upstream.ts';
import { makeTinyJudge } from './fixtures/tiny-judge.ts';

let folder: string;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-guard-judge-'));
  upstream = await scriptedUpstream();
  await writeFile(join(folder, 'trains.md'), '---\nname: Trains\n---\n\n## trains\n\nNobody harms trains.\n');
});
afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true });
});

const refusal = 'I can’t help with that.';
/** Any bomb is worth the judge's look, a pipe bomb is not; answers are asked about every 20 characters. */
const policyOf = (judge: string, more = ''): string => `
cascade:
  - { guard: keywords, safe: 0.2, harmful: 0.85 }
  - { judge: "openai-compatible:judge@${judge}", constitution: ${join(folder, 'trains.md')}, harmful: 0.5, every: 20 }
audit: { file: ${join(folder, 'audit.jsonl')}, content: none }
${more}`;
const clientOf = (url: string): OpenAI => new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const chat = (client: OpenAI, content: string) =>
  client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content }] });
const stream = async (client: OpenAI, content = 'hello') => {
  const messages = [{ role: 'user' as const, content }];
  let [text, finish]: [string, string | null] = ['', null];
  for await (const { choices } of await client.chat.completions.create({
    ...{ model: 'any', messages, stream: true },
  })) {
    text += choices[0].delta.content ?? '';
    finish = choices[0].finish_reason ?? finish;
  }
  return { text, finish };
};
const tokensOf = (text: string): string[] => text.match(/\S+\s*/g)!;
const says = (text: string): void => {
  upstream.script = ({ body }) =>
    body.stream
      ? (async function* () {
          yield* chatChunks(tokensOf(text));
          yield done;
        })()
      : chatCompletion({ content: text });
};
const metricsOf = async (url: string): Promise<string> => (await fetch(url.replace(/v1$/, 'metrics'))).text();
const audited = async (): Promise<Record<string, never>[]> =>
  (await readFile(join(folder, 'audit.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a judge at the end of a cascade', () => {
  let model: RunningServer;
  let guard: Awaited<ReturnType<typeof serveGuardProcess>>;
  beforeAll(async () => {
    await makeTinyJudge(folder, join(folder, 'trains.md'));
    model = await serveOpenAi({
      ...{ folder: join(folder, 'judge'), name: 'judge', port: 0, engine: { threads: 1 } },
    });
    await writeFile(join(folder, 'guard.yaml'), policyOf(model.url));
    guard = await serveGuardProcess(['--upstream', upstream.url, '--policy', join(folder, 'guard.yaml')]);
  }, 60_000);
  afterAll(async () => {
    expect(await guard.stop()).toBe(0);
    await model.close();
    const stages = (await audited()).map(({ outcome, input, answers }) => [
      outcome,
      (input as { stage: string }).stage,
      ...(answers as { stage: string }[]).map(({ stage }) => stage),
    ]);
    expect(stages).toEqual([
      ['allowed', 'keywords', 'keywords'],
      ['blocked', 'keywords'],
      ['allowed', 'judge', 'keywords'],
      ['blocked', 'judge'],
      ['allowed', 'keywords', 'judge'],
      ['blocked', 'keywords', 'judge'],
      ['allowed', 'keywords', 'judge'],
      ['blocked', 'keywords', 'judge'],
    ]);
  });

  it('has the last word on conversations that the keywords are not sure of', async () => {
    says('Fine.');
    const client = clientOf(guard.url);
    const asked = upstream.requests.length;
    const said = [];
    for (const text of ['Hello there', 'a pipe bomb', 'a nice bath bomb', 'a bomb in the train']) {
      said.push((await chat(client, text)).choices[0].message.content);
    }
    expect(said).toEqual(['Fine.', refusal, 'Fine.', refusal]);
    expect(upstream.requests.length - asked).toBe(2);
    const metrics = await metricsOf(guard.url);
    expect(metrics).toContain('tenet_guard_screenings_total{where="input",stage="keywords"} 2');
    expect(metrics).toContain('tenet_guard_screenings_total{where="input",stage="judge"} 2');
  });

  it('and on answers, whole', async () => {
    const client = clientOf(guard.url);
    const answerTo = async (text: string): Promise<unknown> => {
      says(text);
      return (await chat(client, 'hello')).choices[0].message.content;
    };
    expect(await answerTo('Take a bath bomb home.')).toBe('Take a bath bomb home.');
    expect(await answerTo('Put the bomb under the train.')).toBe(refusal);
  });

  it('and streamed: what it has not read does not leave', async () => {
    const client = clientOf(guard.url);
    const harmless = 'Take a bath bomb and put it into the bath, where it dissolves in some minutes of time.';
    says(harmless);
    expect(await stream(client)).toEqual({ text: harmless, finish: 'stop' });
    says('The train leaves at noon. Put the bomb under it and walk away before the guard comes back.');
    const { text, finish } = await stream(client);
    expect(finish).toBe('content_filter');
    expect(text.endsWith(refusal)).toBe(true);
    // How much had left by then depends on timing, and may be nothing.
    const left = text.slice(0, -refusal.length).trimEnd();
    expect('The train leaves at noon. Put the '.startsWith(left)).toBe(true);
    expect(await metricsOf(guard.url)).toMatch(
      /tenet_guard_screenings_total\{where="output",stage="judge"\} \d/,
    );
  });
});

describe('a judge that fails', () => {
  /** A guard in this process, whose judge is at an address. */
  async function guarded(judge: string, more: string) {
    const policy = parsePolicy(policyOf(judge, more), 'guard.yaml');
    const failures: string[] = [];
    const server = await serveGuard({
      guard: await openCascade(policy.cascade!),
      ...{ policy, upstream: upstream.url, port: 0 },
      onFailure: (error) => failures.push((error as Error).message),
    });
    return { server, client: clientOf(server.url), failures };
  }
  const statusOf = (call: Promise<unknown>): Promise<number | undefined> =>
    call.then(
      () => 200,
      (error) => (error instanceof APIError ? error.status : Promise.reject(error)),
    );
  const broken: readonly (readonly [string, Fault | null, RegExp])[] = [
    ['an error', { kind: 'status', status: 500 }, /500/],
    ['a refusal', { kind: 'status', status: 401 }, /401|key/],
    ['a closed connection', { kind: 'hang-up' }, /guard failed/],
    ['words that are no answer', null, /neither yes nor no/],
  ];

  it.each(broken)('with %s closes the way, unless the policy opens it', async (_, fault, reason) => {
    const judge = await misbehavingServer({ fault: () => fault, answer: () => 'I would rather sing.' });
    for (const failure of ['closed', 'open']) {
      const { server, client, failures } = await guarded(judge.url, `defaults: { failure: ${failure} }`);
      says('Fine.');
      upstream.requests.length = 0;
      expect(await statusOf(chat(client, 'a bomb in the train'))).toBe(failure === 'closed' ? 503 : 200);
      // What the keywords are sure of needs no judge.
      expect(await statusOf(chat(client, 'hello'))).toBe(200);
      expect((await chat(client, 'a pipe bomb')).choices[0].message.content).toBe(refusal);
      expect(upstream.requests).toHaveLength(failure === 'closed' ? 1 : 2);
      expect(failures[0]).toMatch(reason);
      expect(await metricsOf(server.url)).toContain(
        'tenet_guard_failures_total{where="input",reason="error"} 1',
      );
      await server.close();
      const line = (await audited()).at(-3)!;
      expect(line).toMatchObject({ outcome: failure === 'closed' ? 'refused' : 'unscreened' });
      expect(line.failure).toMatch(reason);
    }
    await judge.close();
  });

  it('in the middle of a stream ends it, or lets the rest pass', async () => {
    const judge = await misbehavingServer({ fault: () => ({ kind: 'status', status: 500 }) });
    const text = 'The train leaves at noon. Put the bomb under it.';
    const closed = await guarded(judge.url, 'defaults: { failure: closed }');
    says(text);
    await expect(stream(closed.client)).rejects.toThrow(/could not screen/);
    expect((await audited()).at(-1)).toMatchObject({ outcome: 'refused' });
    const open = await guarded(judge.url, 'defaults: { failure: open }');
    expect(await stream(open.client)).toEqual({ text, finish: 'stop' });
    for (const { server } of [closed, open]) await server.close();
    await judge.close();
  });

  it('by silence is given up after the time limit, and told so', async () => {
    const judge = await scriptedUpstream();
    judge.script = () => new Promise(() => {});
    const limit = 'timeLimitMs: 150';
    const { server, client } = await guarded(judge.url, `defaults: { ${limit} }`);
    says('Put the bomb under it.');
    expect(await statusOf(chat(client, 'a bomb in the train'))).toBe(503);
    expect(await statusOf(chat(client, 'hello'))).toBe(503); // the answer
    const metrics = await metricsOf(server.url);
    expect(metrics).toContain('tenet_guard_failures_total{where="input",reason="time"} 1');
    expect(metrics).toContain('tenet_guard_failures_total{where="output",reason="time"} 1');
    // Nobody waits for it any longer, so it is not kept busy.
    for (let i = 0; i < 200 && !judge.requests.every(({ isAborted }) => isAborted); i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(judge.requests.map(({ isAborted }) => isAborted)).toEqual([true, true]);
    await server.close();
    await judge.close();
  });
});
