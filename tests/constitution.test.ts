/** Critique and comparison from the command line, with a real model: on the engine, and behind a real HTTP server. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { sharedData } from '../src/base/testing.ts';
import { buildProgram } from '../src/cli/program.ts';
import { catchOutput } from '../src/cli/testing/catch-output.ts';
import { readRecords, validateRecord } from '../src/data/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../src/model/index.ts';
import { type RunningServer, serveOpenAi } from '../src/server/index.ts';
import { openStore } from '../src/store/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { compiled } from './fixtures/compiled.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
let folder: string;
let model: string;
let server: RunningServer;
let constitution: string;
let prompts: string;
const caught = catchOutput();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-cai-'));
  const words =
    'the cat sat on the mat and the hat is not kind Human: Assistant: Yes No A B what should it do? ';
  const { tokenizer } = await trainBpe([words.repeat(6)], {
    vocabSize: 310,
    specialTokens: ['<|endoftext|>'],
  });
  const shape = { width: 16, layers: 2, heads: 4, kvHeads: 2, innerWidth: 24, maxPositions: 2048 };
  const config = makeLlamaConfig({ vocabSize: tokenizer.vocabSize, initializerRange: 0.4, ...shape });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(6));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  model = join(folder, 'tiny');
  await saveModelFolder(model, { config, parameters, tokenizerFiles: tokenizer.files, card });
  server = await serveOpenAi({
    folder: model,
    name: 'tiny',
    port: 0,
    engine: { threads: 1 },
    mostRequests: 40,
  });
  constitution = join(folder, 'cats.yaml');
  await writeFile(
    constitution,
    'principles:\n' +
      '  - { id: cat, text: The cat is on the mat., critiqueRequest: Is the cat not on the mat?, revisionRequest: What should the cat do?, comparisonQuestion: Which cat sat? }\n' +
      '  - { id: hat, text: The hat is on the cat., critiqueRequest: Is the hat not on the cat?, revisionRequest: What should the hat do?, comparisonQuestion: Which hat sat? }\n',
  );
  prompts = join(folder, 'prompts.txt');
  await writeFile(prompts, Array.from({ length: 14 }, (_, i) => `what is the cat on mat ${i}\n`).join(''));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** The JSON line that a command prints last. */
async function tenet(...args: string[]): Promise<Record<string, never>> {
  caught.printed = '';
  await buildProgram().parseAsync(['node', 'tenet', '--json', ...args]);
  return JSON.parse(caught.printed.trimEnd().split('\n').at(-1)!);
}
const small = ['--set', 'responseLength=8', '--set', 'critiqueLength=8', '--set', 'rounds=2'];

describe('tenet critique', () => {
  it('writes demonstrations and pairs that training reads, and repeats nothing', async () => {
    const helpful = join(folder, 'helpful.jsonl');
    await writeFile(
      helpful,
      `${JSON.stringify({ prompt: 'what is the hat?' })}\n${JSON.stringify({ prompt: 'Hi', completion: 'the cat' })}\n`,
    );
    const output = join(folder, 'local');
    const args = [
      ...['critique', '-m', `local:${model}`, '-p', prompts, '--limit', '8', '-c', constitution, '--pairs'],
      ...['--helpful', helpful, '--helpful-share', '0.2', '--all-revisions', '--seed', '3'],
      ...['-o', output, '--store', join(folder, 'local.db'), '--threads', '1', ...small],
    ];
    const { report, files } = (await tenet(...args)) as unknown as {
      report: {
        prompts: number;
        revised: number;
        kept: number;
        dropped: number;
        demonstrations: { helpful: number };
      };
      files: { demonstrations: string; preferences: string; chains: string };
    };
    expect(report.prompts).toBe(8);
    expect(report.revised + report.kept + report.dropped).toBe(8);
    expect(report.revised).toBeGreaterThan(0);
    const demonstrations = await readRecords(files.demonstrations).toArray();
    expect(demonstrations[0].format).toBe('prompt-completion');
    const sources = demonstrations.map(({ record }) => (record as { source: string }).source);
    expect(sources.filter((source) => source === 'helpful')).toHaveLength(report.demonstrations.helpful);
    for (const { record } of await readRecords(files.preferences).toArray()) {
      expect(validateRecord(record, 'preference')).toEqual([]);
    }
    const written = await readFile(files.demonstrations, 'utf8');
    const store = await openStore(join(folder, 'local.db'));
    const before = await store.ledger.head();
    expect((await tenet(...args)).report).toEqual(report);
    expect(await store.ledger.head()).toEqual(before);
    expect(await readFile(files.demonstrations, 'utf8')).toBe(written);
    expect(await store.ledger.verify()).toMatchObject({ ok: true });
    await store.close();
  });

  const redTeam = sharedData('redteam/hh-red-team-prompts.txt.gz');
  it.skipIf(redTeam === null)(
    'criticises and revises answers to real red-team prompts over HTTP',
    async () => {
      const spec = `openai-compatible:tiny@${server.url}`;
      const store = join(folder, 'red-team.db');
      const { report, files } = (await tenet(
        ...['critique', '-m', spec, '-p', redTeam!, '--limit', '6', '--seed', '2', '-c', constitution],
        ...['-o', join(folder, 'red-team'), '--store', store, ...small],
      )) as unknown as {
        report: { prompts: number; failed: number; rounds: number };
        files: { chains: string };
      };
      expect(report).toMatchObject({ prompts: 6, failed: 0 });
      const chains = (await readFile(files.chains, 'utf8')).trimEnd().split('\n');
      const asked = chains.map((line) => JSON.stringify(JSON.parse(line)));
      // Each chain is about its own prompt, in the order of the file.
      const lines = gunzipSync(await readFile(redTeam!))
        .toString('utf8')
        .split('\n')
        .slice(0, 6);
      for (const [i, line] of lines.entries()) expect(asked[i]).toContain(JSON.stringify(line).slice(1, 30));
    },
  );

  it('goes on after Ctrl-C in another process, over HTTP, to what a run never stopped ends with', async () => {
    const spec = `openai-compatible:tiny@${server.url}`;
    const args = (store: string, output: string): string[] => [
      ...['critique', '-m', spec, '-p', prompts, '-c', constitution, '--concurrency', '2'],
      ...['-o', join(folder, output), '--store', join(folder, store), ...small],
    ];
    const child = spawn(process.execPath, [compiled('src/cli/main.ts'), ...args('http.db', 'stopped')], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let log = '';
    let isAsked = false;
    child.stderr.on('data', (text) => {
      log += text;
      if (isAsked || !log.includes('critique 2/14')) return;
      isAsked = true;
      child.kill('SIGINT');
    });
    const code = await new Promise((done) => child.on('close', done));
    expect(code, log).toBe(130);
    const store = await openStore(join(folder, 'http.db'));
    const kept = await store.ledger.count();
    expect(kept).toBeGreaterThan(2);
    await tenet(...args('http.db', 'resumed'));
    await tenet(...args('whole.db', 'whole'));
    for (const file of ['demonstrations.jsonl', 'report.json']) {
      const [resumed, whole] = await Promise.all(
        ['resumed', 'whole'].map((output) => readFile(join(folder, output, file), 'utf8')),
      );
      const withoutTimes = (text: string): string => text.replace(/"(latencyMs|cached)": ?[^,}\n]*/g, '');
      expect(withoutTimes(resumed)).toBe(withoutTimes(whole));
    }
    const whole = await openStore(join(folder, 'whole.db'));
    expect(await store.ledger.count()).toBe(await whole.ledger.count());
    await whole.close();
    await store.close();
  });
});

describe('a recipe of both phases', () => {
  const recipe = (): string => `
model: { path: ${model} }
seed: 5
threads: 1
stages:
  - type: critique
    prompts: { path: ${prompts}, limit: 8 }
    helpful: { sandbox: demonstrations, limit: 6 }
    helpfulShare: 0.25
    constitution: ${constitution}
    rounds: 2
    responseLength: 8
    critiqueLength: 8
    pairs: true
    concurrency: 2
  - { type: sft, maxSteps: 2, batchSize: 4, learningRate: 0.01, heldOut: 0 }
  - { type: dpo, maxSteps: 1, batchSize: 2, heldOut: 0 }
  - type: compare
    prompts: { path: ${prompts}, limit: 6 }
    human: { path: ${join(folder, 'people.jsonl')} }
    humanShare: 0.25
    judge: sft
    constitution: ${constitution}
    layout: brief
    responseLength: 8
    recheck: 2
  - { type: reward, maxSteps: 2, batchSize: 4, heldOut: 0 }
  - type: rloo
    prompts: { path: ${prompts}, limit: 4 }
    judge: { scale: 3, layout: brief, constitution: ${constitution} }
    batchSize: 4
    numGenerations: 2
    totalEpisodes: 4
    maxCompletionLength: 6
    learningRate: 0.01
`;

  it('leads from prompts to a reward model, resumes to the same weights, and can be traced to its principles', async () => {
    const people = { prompt: 'what is it', chosen: 'the cat', rejected: 'the hat' };
    await writeFile(join(folder, 'people.jsonl'), `${JSON.stringify(people)}\n${JSON.stringify(people)}\n`);
    const whole = await runTiny(join(folder, 'run-whole'), { text: recipe() });
    const controller = new AbortController();
    const display = { stage() {}, event() {}, sample() {}, warn() {}, close() {} };
    const progress = ({ stage, done }: { stage: string; done: number }): void => {
      if (stage === 'critique' && done === 3) controller.abort();
    };
    const stopped = runTiny(join(folder, 'run-stopped'), {
      ...{ text: recipe(), signal: controller.signal, display: { ...display, progress } },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    const resumed = await runTiny(join(folder, 'run-stopped'), { text: recipe(), resume: true });
    const weights = ({ stages }: typeof whole) =>
      stages.map(({ name, result }) => [name, result.model?.weights]);
    expect(weights(resumed)).toEqual(weights(whole));
    expect(resumed.stages.find(({ name }) => name === 'compare')!.result).toMatchObject({
      rankings: 8,
      byAi: 6,
      byPeople: 2,
    });
    const scored = resumed.stages.find(({ name }) => name === 'rloo')!.result;
    expect(scored.rewardModel).toMatch(/^judge local:run-stopped\/03-dpo@/);
    for (const file of ['01-critique/demonstrations.jsonl', '04-compare/labels.jsonl']) {
      const [a, b] = await Promise.all(
        ['run-whole', 'run-stopped'].map((run) => readFile(join(folder, run, 'stages', file), 'utf8')),
      );
      expect(a).toBe(b);
    }
    caught.printed = '';
    await buildProgram().parseAsync([
      'node',
      'tenet',
      'trace',
      join(folder, 'run-stopped'),
      '--stage',
      'reward',
    ]);
    expect(caught.printed).toMatch(/critique constitution: .*cats\.yaml.* ✓/);
    expect(caught.printed).toMatch(/compare labels: .* ✓/);
    expect(caught.printed).toContain('principle cat');
    expect(caught.printed).toContain('judge: model tiny/sft');
    expect(caught.printed).not.toContain('✗');
  });
});

describe('tenet compare', () => {
  const real = sharedData('preferences/hh-harmless-base.dev.jsonl.gz');

  it.skipIf(real === null)(
    'labels real preferences over HTTP, and holds the judge against people',
    async () => {
      const { report, files } = (await tenet(
        ...[
          'compare',
          '-j',
          `openai-compatible:tiny@${server.url}`,
          '-d',
          real!,
          '--limit',
          '4',
          '-c',
          constitution,
        ],
        ...['-o', join(folder, 'compared'), '--store', join(folder, 'compare.db'), '--set', 'layout=brief'],
      )) as unknown as {
        report: {
          pairs: number;
          failed: number;
          agreement: { pairs: number; firstWins: null };
          methods: object;
        };
        files: { preferences: string; rankings: string };
      };
      expect(report).toMatchObject({ pairs: 4, failed: 0, agreement: { pairs: 4, firstWins: null } });
      // A model of random weights hardly ever says A or B, so that the server's likeliest tokens hold neither.
      expect(Object.values(report.methods).reduce((sum, count) => sum + count, 0)).toBe(8);
      const rankings = await readRecords(files.rankings).toArray();
      expect(rankings).toHaveLength(4);
      for (const { record } of rankings) expect(validateRecord(record, 'ranking')).toEqual([]);
    },
  );

  it('asks a policy for responses, says what it costs to forget one, and feeds the statistics', async () => {
    const store = join(folder, 'sampled.db');
    const data = ['-d', prompts, '--limit', '3', '--store', store, '--threads', '1'];
    await expect(tenet('compare', '-j', `local:${model}`, ...data)).rejects.toThrow(
      '3 of 3 rows have no responses to compare',
    );
    await tenet(
      ...[
        'compare',
        '-j',
        `local:${model}`,
        '-m',
        `local:${model}`,
        '-n',
        '3',
        '--response-length',
        '8',
        ...data,
      ],
      ...[
        '-c',
        constitution,
        '-o',
        join(folder, 'sampled'),
        '--set',
        'principles=all',
        '--set',
        'layout=brief',
      ],
    );
    const stats = (await tenet('constitution', 'stats', constitution, '--store', store)) as unknown as {
      principles: { principle: string; comparisons: { drawn: number } }[];
    };
    expect(
      stats.principles.map(({ principle, comparisons }) => [principle, comparisons.drawn]).toSorted(),
    ).toEqual([
      ['cat', 9],
      ['hat', 9],
    ]);
  });
});
