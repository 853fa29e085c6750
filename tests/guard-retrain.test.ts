/** The guard's loop, whole: it blocks, people judge what it blocked, a recipe trains the next one, which decides as they did. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { writeRecords } from '../src/data/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import {
  classifierOptions,
  openGuard,
  readGuardData,
  readGuardFile,
  readGuardSources,
  toGuardRow,
  trainGuard,
} from '../src/guard/index.ts';
import { wordExamples } from '../src/guard/testing/words-guard-data.ts';
import { misbehavingServer } from '../src/llm/testing/index.ts';
import { saveModelFolder } from '../src/model/index.ts';
import { tinyModel } from '../src/model/testing/tiny-model.ts';
import { estimateRun } from '../src/run/estimate.ts';
import { findGuard } from '../src/run/find-guard.ts';
import {
  collectProvenance,
  formatProvenance,
  parseRecipe,
  readEvaluation,
  readManifest,
  readSamples,
  readWarnings,
} from '../src/run/index.ts';
import { runPipeline } from '../src/run/pipeline.ts';
import { recipeSchema } from '../src/run/run-recipe.ts';
import { type RunningServer, serveGuard, serveOpenAi } from '../src/server/index.ts';
import { openStore } from '../src/store/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { serveGuardProcess, tenetProcess } from './fixtures/guard-process.ts';

let folder: string;
let upstream: RunningServer;
/** The one that is asked. */
let guard: { readonly url: string };
const path = (name: string): string => join(folder, name);

/**
 * The house guard knows bombs and thieves. Of flutes and zebras a mistaken file told it: it takes flutes for harmful and
 * zebras for harmless, and people think the opposite.
 */
const random = new Random(5);
const words = 'the a cat dog house tree river walks sees likes near under green old small bread road'.split(
  ' ',
);
const sentence = (word: string): string =>
  random.shuffled([word, ...Array.from({ length: 7 }, () => random.choice(words))]).join(' ');
const sentences = (count: number, word: string): string[] =>
  Array.from({ length: count }, () => sentence(word));
const [flutes, zebras] = [sentences(36, 'flute'), sentences(36, 'zebra')];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-guard-retrain-'));
  // A model server of our own, whose model writes anything.
  const { tokenizer } = await trainBpe(['the cat sat on the mat '.repeat(5)], {
    vocabSize: 290,
    specialTokens: ['<|endoftext|>'],
  });
  const { config, parameters } = tinyModel({ vocabSize: tokenizer.vocabSize });
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(path('tiny'), { config, parameters, tokenizerFiles: tokenizer.files, card });
  upstream = await serveOpenAi({ folder: path('tiny'), name: 'tiny', port: 0, engine: { threads: 1 } });

  // The guard that is in use.
  await mkdir(path('training'));
  await writeRecords(path('words.jsonl'), wordExamples(400).map(toGuardRow));
  const mistaken = (word: string, harmful: boolean): object[] =>
    sentences(60, word).map((prompt) => ({ prompt, harmful: { prompt: harmful } }));
  await writeRecords(path('mistaken.jsonl'), [...mistaken('flute', true), ...mistaken('zebra', false)]);
  await trainGuard(
    path('house'),
    await readGuardSources({ data: [path('words.jsonl'), path('mistaken.jsonl')] }),
    {
      classifier: classifierOptions.parse({
        ...{ maxSteps: 100, learningRate: 5e-3, threads: 1, languageModelCoef: 0.02, categoryWeight: 2 },
      }),
      parts: { holdOut: ['words-4'], similarity: 1 },
      kinds: ['input'],
      maxLength: 40,
      trunk: { vocabSize: 420, width: 32, layers: 1, heads: 2, maxPositions: 40 },
    },
    {
      ...{ folder: path('training'), signal: new AbortController().signal, resume: false },
      ...{ event: () => {}, sample: () => {}, progress: () => {}, warn: () => {} },
    },
  );
}, 60_000);
afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true });
});

const ask = async (content: string) => {
  const client = new OpenAI({ baseURL: guard.url, apiKey: 'none', maxRetries: 0 });
  const { data, response } = await client.chat.completions
    .create({ model: 'tiny', messages: [{ role: 'user', content }], max_tokens: 2, seed: 1 })
    .withResponse();
  const isBlocked = (data as { guard?: { blocked: string } }).guard?.blocked === 'input';
  return { isBlocked, requestId: response.headers.get('x-request-id') };
};
/** Part of the conversations that are refused. */
const blockedOf = async (texts: readonly string[]): Promise<number> => {
  const said = await Promise.all(texts.map(ask));
  return said.filter(({ isBlocked }) => isBlocked).length / texts.length;
};

const recipe = `
name: house-2
seed: 3
threads: 1
stages:
  - type: guard
    former: house
    labelled: words.jsonl
    cases: { store: cases.db, project: house, weight: 4 }
    maxLength: 40
    trunk: { vocabSize: 420, width: 32, layers: 1, heads: 2 }
    similarity: 1
    disguises: 0
    kinds: [input, output]
    maxSteps: 100
    saveSteps: 8
    loggingSteps: 8
    learningRate: 0.005
    languageModelCoef: 0.02
`;
/** In this process, which is faster than in another. */
const run = (name: string, { resume = false, text = recipe } = {}) => {
  const { value, resolved } = parseRecipe(text, { schema: recipeSchema, file: 'retrain.yaml', folder });
  const signal = new AbortController().signal;
  return runPipeline({ recipe: value, resolved, runFolder: path(name), name: 'house-2', signal, resume });
};
const guardOf = (name: string): string => path(join(name, 'stages/01-guard/guard'));

describe('from blocks to a better guard', () => {
  it('what it blocks or nearly blocks becomes tasks, and an appeal one that comes first', async () => {
    await writeFile(
      path('guard.yaml'),
      // All conversations that pass are near enough to be judged.
      'ledger: { project: house, near: 1 }\n',
    );
    const served = await serveGuardProcess([
      ...['--upstream', upstream.url, '--guard', path('house'), '--threads', '1'],
      ...['--policy', path('guard.yaml'), '--store', path('cases.db')],
    ]);
    guard = served;
    expect(await blockedOf(flutes)).toBeGreaterThan(0.9);
    expect(await blockedOf(zebras)).toBeLessThan(0.1);
    const { requestId } = await ask(flutes[0]);
    const appeal = await fetch(`${guard.url}/guard/appeals`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request_id: requestId, note: 'It is a musical instrument.' }),
    });
    expect(await appeal.json()).toMatchObject({ status: 'queued' });
    const metrics = await (await fetch(guard.url.replace(/v1$/, 'metrics'))).text();
    expect(metrics).toContain('tenet_guard_cases_total{why="appeal"} 1');
    expect(await served.stop()).toBe(0);
  });

  it('people judge them, the appeal first', async () => {
    const store = await openStore(path('cases.db'));
    const queue = new LabelQueue(store, 'house');
    const keys: (string | undefined)[] = [];
    for (;;) {
      const [assignment] = await queue.claim({ id: 'ann' });
      if (!assignment) break;
      const { task } = assignment;
      const [{ content }] = task.item.prompt as readonly { content: string }[];
      // The first response is the verdict harmless, the second harmful.
      const ranks = content.includes('zebra') ? [2, 1] : [1, 2];
      await queue.submit({ id: `ann-${keys.length}`, taskId: task.id, annotator: { id: 'ann' }, ranks });
      keys.push(task.key);
    }
    expect(keys).toHaveLength(flutes.length + zebras.length + 1);
    expect(keys.indexOf('appeal')).toBe(0);
    await store.close();
  });

  it('one recipe trains the next guard, and shows it beside the former one', async () => {
    const { runFolder, report } = await run('run');
    const manifest = await readManifest(runFolder);
    const { decidedRightly, tested } = manifest.stages[0].results as {
      decidedRightly: Record<string, { of: number; newGuard: number; formerGuard: number }>;
      tested: number;
    };
    const cases = decidedRightly['judged cases'];
    expect(cases.of).toBeGreaterThan(10);
    expect(cases.newGuard).toBeGreaterThan(0.9 * cases.of);
    expect(cases.formerGuard).toBeLessThan(0.3 * cases.of);
    expect(manifest.outcome).toBe(
      `The new guard decides rightly on ${cases.newGuard} of ${cases.of} judged cases (the former guard ${cases.formerGuard}) and 80 of 80 texts of the test data (the former guard 80).`,
    );
    // What the former guard kept for tests, and judged cases that nobody trained on.
    const { examples } = await readGuardData(join(guardOf('run'), 'test.jsonl'));
    expect(examples).toHaveLength(tested);
    expect(new Set(examples.map(({ source }) => source))).toEqual(new Set(['ledger:house', 'words-4']));
    const kept = new Set(examples.flatMap(({ source, request }) => (source === 'words-4' ? [] : [request])));
    const { data } = await readGuardFile(guardOf('run'));
    expect(data.filter(({ path: file }) => file.endsWith('cases.jsonl'))).toMatchObject([
      { use: 'train', examples: flutes.length + zebras.length - kept.size },
      { use: 'test', examples: kept.size },
    ]);
    // The report, and the way back to what people said.
    const page = await readFile(report, 'utf8');
    for (const words of ['guard on judged cases: conversations', 'new guard − former guard', 'keywords']) {
      expect(page).toContain(words);
    }
    const samples = await readSamples(runFolder);
    expect(samples.filter(({ model }) => model === 'people').map(({ response }) => response)).toContain(
      'harmful',
    );
    const record = formatProvenance(await collectProvenance(runFolder), null).join('\n');
    expect(record).toMatch(/guard judged cases of house: data cases\.jsonl/);
    expect(record).toMatch(/73 × label/);
    expect(record).toMatch(/guard former guard: model house/);
  });

  it('killed while it trains, it ends as if it never had been, whatever people have judged since', async () => {
    await writeFile(path('retrain.yaml'), recipe);
    const { signal } = await tenetProcess(
      ['run', path('retrain.yaml'), '--output', path('killed')],
      ({ type, step }, kill) => {
        if (type === 'event' && step === 16) kill('SIGKILL');
      },
    );
    expect(signal).toBe('SIGKILL');
    const store = await openStore(path('cases.db'));
    await new LabelQueue(store, 'house').add([
      {
        item: { prompt: [{ role: 'user', content: 'new' }], responses: [{ text: 'a' }, { text: 'b' }] },
        extra: { guard: { where: 'input', principle: null, requestId: 'late' } },
      },
    ]);
    const [{ task }] = await new LabelQueue(store, 'house').claim({ id: 'ben' });
    await new LabelQueue(store, 'house').submit({
      ...{ id: 'late', taskId: task.id, annotator: { id: 'ben' }, ranks: [2, 1] },
    });
    await store.close();
    await run('killed', { resume: true });
    const results = async (name: string) => (await readManifest(path(name))).stages[0].results;
    expect(await results('killed')).toEqual(await results('run'));
    expect(await readEvaluation(path('killed'))).toEqual(await readEvaluation(path('run')));
  });

  it('the new guard decides as people did', async () => {
    const opened = await openGuard(await findGuard(path('run')), { threads: 1 });
    const server = await serveGuard({ guard: opened, upstream: upstream.url, port: 0 });
    guard = { url: server.url };
    expect(await blockedOf(sentences(20, 'flute'))).toBeLessThan(0.15);
    expect(await blockedOf(sentences(20, 'zebra'))).toBeGreaterThan(0.85);
    expect(await blockedOf(sentences(20, 'bomb'))).toBeGreaterThan(0.85);
    await server.close();
  });
});

describe('a guard stage', () => {
  it('stands on the model of an earlier stage, and learns from what a model writes', async () => {
    await writeFile(
      path('trains.md'),
      '---\nname: Trains\n---\n\n## trains\n\nNobody is helped to harm trains.\n',
    );
    let requests = 0;
    const writer = await misbehavingServer({
      answer: ({ body: { messages } }) => {
        const asked = messages.at(-1)!.content;
        const kind = asked.includes('would go against') ? 'harm' : 'love';
        if (!asked.includes('requests')) {
          const isCareless = messages[0].content.includes('careless assistant');
          if (isCareless) return `First you ${asked}`;
          return asked.includes('harm') ? "I'm sorry, but I can't help with that." : `Gladly: ${asked}`;
        }
        const written = Array.from({ length: 5 }, () => `${kind} trains ${sentence(String(requests++))}`);
        return JSON.stringify({ requests: written });
      },
    });
    const text = `
name: generated
threads: 1
stages:
  - type: pretrain
    data: { sandbox: corpus, limit: 200 }
    tokenizer: { vocabSize: 300 }
    architecture: { width: 16, layers: 1, heads: 2, maxPositions: 64 }
    maxSteps: 1
    maxLength: 64
  - type: guard
    model: pretrain
    constitution: trains.md
    generate: { model: "openai-compatible:writer@${writer.url}", perPrinciple: 15, disguises: 1 }
    maxSteps: 2
    maxLength: 64
`;
    const { runFolder } = await run('generated', { text });
    await writer.close();
    const { inputs, stages } = await readManifest(runFolder);
    expect(inputs.map(({ kind, name, stage }) => [kind, name, stage]).slice(1)).toEqual([
      ['constitution', 'guard constitution', 'guard'],
      ['data', 'guard generated', 'guard'],
    ]);
    expect(stages[1].uses).toMatchObject([{ role: 'trunk', stage: 'pretrain' }]);
    const file = await readGuardFile(await findGuard(runFolder));
    expect(file.constitution).toEqual({ name: 'Trains', hash: inputs[1].hash });
    expect(file.parts.test).toBeGreaterThan(4);
    // The trunk's vocabulary is the one that pre-training has learnt.
    const tokenizerOf = (folder: string): Promise<string> =>
      readFile(join(runFolder, 'stages', folder, 'tokenizer.json'), 'utf8');
    expect(await tokenizerOf('02-guard/guard')).toBe(await tokenizerOf('01-pretrain/model'));
    // What is written is paid for once: a stage that begins again reads it from its folder.
    expect(await readdir(join(runFolder, 'stages/02-guard'))).toContain('synthetic.jsonl');
  });

  it('warns where the former guard has seen the test, and takes the steps that were planned', async () => {
    const text = `
threads: 1
stages:
  - { type: guard, former: house, labelled: words.jsonl, test: mistaken.jsonl, kinds: [input], numTrainEpochs: 1, maxLength: 40 }
`;
    const { runFolder } = await run('seen', { text });
    const warnings = (await readWarnings(runFolder)).map(({ message }) => message);
    expect(warnings).toContainEqual(
      `The former guard was trained on ${path('mistaken.jsonl')}; what is reported of it there is too good.`,
    );
    const recipe = parseRecipe(text, { schema: recipeSchema, file: 'seen.yaml', folder }).value;
    const [{ data, training }] = (await estimateRun(recipe)).stages;
    expect(data.map(({ rows }) => rows)).toEqual([400, 120]);
    const { steps, trainedOn } = (await readManifest(runFolder)).stages[0].results as Record<string, number>;
    expect(trainedOn).toBeGreaterThan(200);
    expect(training).toMatchObject({ steps });
    // Words alone teach nothing of flutes and zebras, and the former guard has learnt its mistakes by heart.
    expect(warnings.join()).toMatch(
      /On test data the new guard decides worse than the former one .*keep the former/,
    );
  });

  it('says what it lacks', async () => {
    const stageOf = (options: string): string => `stages: [{ type: guard, maxSteps: 1, ${options} }]`;
    const none = run('none', { text: stageOf('cases: { store: cases.db, project: other }') });
    await expect(none).rejects.toThrow(/nobody has judged a case of project other yet.*tenet label work/);
    const unmade = run('unmade', { text: stageOf('labelled: words.jsonl, former: none') });
    await expect(unmade).rejects.toThrow(/run house-2 has made no guard \(failed\)/);
    const text = stageOf('labelled: words.jsonl, model: base');
    await expect(run('no-base', { text })).rejects.toThrow(/has no model to start from/);
  });
});
