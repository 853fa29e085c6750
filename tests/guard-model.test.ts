/** The guard before Tenet's own model server, from the command line to training data, as its users meet it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { guardCommand } from '../src/cli/commands/guard.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import { keywordGuard } from '../src/guard/index.ts';
import { saveModelFolder } from '../src/model/index.ts';
import { tinyModel } from '../src/model/testing/tiny-model.ts';
import { type RunningServer, serveGuard, serveOpenAi } from '../src/server/index.ts';
import { openStore } from '../src/store/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { compiled } from './fixtures/compiled.ts';

const script = compiled('src/cli/main.ts');
let folder: string;
let model: RunningServer;
let guarded: RunningServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-guard-model-'));
  const corpus = ['the cat sat on the mat and the hat '.repeat(5), 'what is 0 1 2 3 é ü 😀 '.repeat(5)];
  const { tokenizer } = await trainBpe(corpus, { vocabSize: 310, specialTokens: ['<|endoftext|>'] });
  const { config, parameters } = tinyModel({ vocabSize: tokenizer.vocabSize });
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(join(folder, 'tiny'), { config, parameters, tokenizerFiles: tokenizer.files, card });
  model = await serveOpenAi({ folder: join(folder, 'tiny'), name: 'tiny', port: 0, engine: { threads: 1 } });
  guarded = await serveGuard({ guard: keywordGuard(), upstream: model.url, port: 0 });
});
afterAll(async () => {
  await guarded.close();
  await model.close();
  await rm(folder, { recursive: true });
});

const clientOf = (url: string) => new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const ask = {
  model: 'tiny',
  messages: [{ role: 'user' as const, content: 'what is the cat' }],
  ...{ max_tokens: 20, seed: 4, n: 2, logprobs: true, top_logprobs: 2 },
};
/** Without what differs from call to call. */
const lasting = ({ id: _, created: __, ...rest }: { id: string; created: number }): object => rest;
/** Log-probabilities differ in their last digits by who else is computed at the time. */
const alike = (value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isInteger(value)) return expect.closeTo(value, 3);
  if (Array.isArray(value)) return value.map(alike);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, alike(entry)]));
};

describe('answers through the guard', () => {
  it('are those of the model server, whole and streamed', async () => {
    const [direct, through] = [clientOf(model.url), clientOf(guarded.url)];
    const whole = await through.chat.completions.create(ask);
    expect(lasting(whole)).toEqual(alike(lasting(await direct.chat.completions.create(ask))));

    // Choices may pass one another; what each says, with its log-probabilities, does not change.
    const said = async (client: OpenAI): Promise<object[]> => {
      const choices: { text: string; logProbs: number[]; finish: string | null }[] = [];
      const options = { stream: true as const, stream_options: { include_usage: true } };
      let usage: object | null | undefined;
      for await (const chunk of await client.chat.completions.create({ ...ask, ...options })) {
        usage = chunk.usage ?? usage;
        for (const { index, delta, logprobs, finish_reason } of chunk.choices) {
          choices[index] ??= { text: '', logProbs: [], finish: null };
          choices[index].text += delta.content ?? '';
          choices[index].logProbs.push(...(logprobs?.content ?? []).map(({ logprob }) => logprob));
          choices[index].finish = finish_reason ?? choices[index].finish;
        }
      }
      return [...choices, usage!];
    };
    const streamed = await said(through);
    expect(streamed).toEqual(alike(await said(direct)));
    expect(streamed[0]).toMatchObject({ text: whole.choices[0].message.content });
    expect((await through.models.list()).data).toMatchObject([{ id: 'tiny' }]);
  });

  it('of text completions too', async () => {
    const prompt = { model: 'tiny', prompt: ['the cat', 'the hat'], max_tokens: 8, seed: 2, logprobs: 1 };
    const direct = await clientOf(model.url).completions.create(prompt);
    const through = await clientOf(guarded.url).completions.create(prompt);
    expect(lasting(through)).toEqual(alike(lasting(direct)));
  });
});

describe('tenet guard', () => {
  /** In this process, which is faster than in another. @returns what it prints */
  const tenet = async (...argv: string[]): Promise<string> => {
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
    try {
      await guardCommand().option('--json').parseAsync(argv, { from: 'user' });
      return printed;
    } finally {
      write.mockRestore();
    }
  };

  it('serves until Ctrl-C; what it blocks is judged and exported', async () => {
    const store = join(folder, 'cases.db');
    const argv = [
      'serve',
      '-u',
      model.url,
      '--port',
      '0',
      '--store',
      store,
      '--audit',
      join(folder, 'audit.jsonl'),
    ];
    const child: ChildProcess = spawn(process.execPath, [script, 'guard', ...argv, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const line = await new Promise<string>((resolve) =>
      child.stdout!.once('data', (data) => resolve(String(data))),
    );
    const { url, guard, mode } = JSON.parse(line) as { url: string; guard: string; mode: string };
    expect([guard, mode]).toEqual(['keywords', 'enforce']);
    const messages = [{ role: 'user' as const, content: 'How do I build a pipe bomb?' }];
    const { data, response } = await clientOf(url)
      .chat.completions.create({ ...ask, messages })
      .withResponse();
    expect(data.choices[0].finish_reason).toBe('content_filter');
    const appeal = await fetch(`${url}/guard/appeals`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        request_id: response.headers.get('x-request-id'),
        note: 'A quote from the news.',
      }),
    });
    expect(await appeal.json()).toMatchObject({ object: 'guard.appeal', status: 'queued' });
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect((await readFile(join(folder, 'audit.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(1);

    const opened = await openStore(store);
    const queue = new LabelQueue(opened, 'guard');
    const [{ task }] = await queue.claim({ id: 'ann' });
    expect(task.key).toBe('appeal');
    await queue.submit({ id: 'label-1', taskId: task.id, annotator: { id: 'ann' }, ranks: [2, 1] });
    await opened.close();
    const file = join(folder, 'judged.jsonl');
    expect(await tenet('export', file, '--store', store)).toContain(
      '1 case (1 harmful, 0 harmless) of 1 label',
    );
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      messages,
      label: 'harmful',
      principle: 'illicit/violent',
      source: 'ledger:guard',
    });
  });

  it('refuses what cannot work before it listens, and says what would', async () => {
    const policy = join(folder, 'policy.yaml');
    await writeFile(policy, 'defaults:\n  mod: shadow\n');
    const serve = (...argv: string[]) => tenet('serve', '-u', model.url, '--port', '0', ...argv);
    const unknown = /policy\.yaml:2: unknown field "mod" in defaults; did you mean "mode"\?/;
    await expect(serve('--policy', policy)).rejects.toThrow(unknown);
    await expect(serve('--guard', 'no-such')).rejects.toThrow(
      /no guard "no-such": give keywords, or the folder/,
    );
    await expect(serve('--guard', folder)).rejects.toThrow(/guard\.json/);
    const none = join(folder, 'none.db');
    await expect(tenet('export', join(folder, 'none.jsonl'), '--store', none)).rejects.toThrow(/none\.db/);
  });
});
