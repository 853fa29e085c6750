/** People label through the server, and a reward model learns from what they said: the short form of a benchmark. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { labelLoad, sandboxTasks } from '../bench/label-load.ts';
import { Random } from '../src/base/index.ts';
import { labelCommand } from '../src/cli/commands/label.ts';
import { readRecords, writeRecords } from '../src/data/index.ts';
import { LabelQueue, labelFilter, labelRecords } from '../src/feedback/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../src/model/index.ts';
import { openRewardScorer } from '../src/run/evaluation-suites/index.ts';
import { findModel } from '../src/run/find-model.ts';
import { corpusTexts, goldReward } from '../src/sandbox/index.ts';
import { openStore, selectFromLedger, writeSelectionFile } from '../src/store/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { runTiny } from './fixtures/tiny-run.ts';

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-label-load-'));
  model = await tinyModel(join(folder, 'model'));
});
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(folder, { recursive: true, force: true }));

it('loses and doubles nothing, and what was labelled trains a reward model', async () => {
  // Step 1. Six people, two hundred tasks, as fast as they come.
  const outcome = await labelLoad({ folder, annotators: 6, tasks: 200, labelsPerSecond: 200, seconds: 1 });
  expect(outcome).toMatchObject({ acknowledged: 200, lost: 0, doubled: 0, chainIsIntact: true });
  expect(outcome.latencies.label).toHaveLength(200);

  // Step 2. What they said, as data.
  const store = await openStore(outcome.store);
  const selection = await selectFromLedger(store, labelFilter('load'));
  const data = join(folder, 'labels.jsonl');
  expect(await writeRecords(data, labelRecords(store, 'load', { form: 'tasks' }))).toBe(200);
  await writeSelectionFile(data, selection);
  await store.close();

  // Step 3. A reward model of it, which predicts labels that it has not learned from better than a coin.
  const result = await trained(data, 'run');
  expect(result.rankings! + result.heldOutRankings!).toBe(200);
  expect(result.loss).toBeLessThan(0.67); // ln 2 = 0.69 is what knowing nothing costs
  expect(result.accuracy).toBeGreaterThan(0.5);
  // The run knows which labels it learned from.
  const manifest = await readFile(join(folder, 'run', 'manifest.json'), 'utf8');
  expect(manifest).toContain(selection.digest.hash);
}, 120_000);

it('lets a reward model learn most from those who are reliable', async () => {
  // Step 1. Two people who see what is better, and three who toss a coin.
  const url = join(folder, 'mixed.db');
  const store = await openStore(url);
  const queue = new LabelQueue(store, 'mixed');
  await queue.add([...sandboxTasks(120, 2)].map((task) => ({ ...task, overlap: 5 })));
  const random = new Random(8);
  for await (const { id: taskId, item } of queue.read()) {
    const order = truth(
      item.prompt as string,
      item.responses.map(({ text }) => text),
    );
    for (const id of ['ann', 'bob', 'x', 'y', 'z']) {
      const ranks = id.length > 1 || random.uniform() < 0.5 ? order : [...order].reverse();
      await queue.submit({ id: `${id}-${taskId}`, taskId, annotator: { id }, ranks });
    }
  }
  await store.close();

  // Step 2. What is exported with weights is nearer to the truth than votes that count alike.
  const exported = async (weights: string) => {
    const data = join(folder, `${weights}.jsonl`);
    await labelCommand().parseAsync(['export', data, '--store', url, '--weights', weights], { from: 'user' });
    let [right, sure, rows] = [0, 0, 0];
    for await (const { record } of readRecords(data)) {
      const { prompt, responses, preferences } = record as Exported;
      const better = truth(prompt, responses)[0] === 1 ? preferences[0][1] : preferences[1][0];
      right += better > 0.5 ? 1 : 0;
      sure += better;
      rows++;
    }
    return { data, right: right / rows, sure: sure / rows };
  };
  const [equal, weighted] = [await exported('equal'), await exported('reliability')];
  // At least one of three coins falls the right way in 7 of 8 tasks; on the mean 2 + 1½ of five votes are right.
  expect(Math.abs(equal.right - 7 / 8)).toBeLessThan(4 * Math.sqrt(7 / 64 / 120));
  expect(Math.abs(equal.sure - 0.7)).toBeLessThan(0.06);
  expect(weighted.right).toBe(1);
  expect(weighted.sure).toBeGreaterThan(0.95);

  // Step 3. And the reward stage learns them: what is left to be unsure of is much less.
  const [fromEqual, fromWeighted] = [
    await trained(equal.data, 'equal'),
    await trained(weighted.data, 'weighted'),
  ];
  expect(fromWeighted.loss).toBeLessThan(fromEqual.loss! - 0.05);

  // Step 4. What it is least sure of is labelled next.
  const more = await openStore(url);
  const open = new LabelQueue(more, 'open');
  await open.add([...sandboxTasks(12, 2)].map((task) => ({ ...task, key: `again ${task.key}` })));
  const run = join(folder, 'weighted');
  await labelCommand().parseAsync(['prioritise', '--reward', run, '--store', url, '--project', 'open'], {
    from: 'user',
  });
  const claimed = await open.claim({ id: 'ann' }, { limit: 12 });
  await more.close();
  const { folder: reward } = await findModel(run, undefined, 'reward');
  await using scorer = await openRewardScorer(reward);
  const scores = await scorer.score(
    claimed.map(({ task: { item } }) => ({
      prompt: item.prompt as string,
      responses: item.responses.map(({ text }) => text),
    })),
  );
  const gaps = scores.map((pair) => Math.abs(pair[0] - pair[1]));
  expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
  expect(gaps[11]).toBeGreaterThan(gaps[0]);
}, 120_000);

interface Exported {
  readonly prompt: string;
  readonly responses: readonly string[];
  readonly preferences: readonly (readonly number[])[];
}

/** [2] ranks by the gold reward; equal ones as they stand. */
function truth(prompt: string, responses: readonly string[]): number[] {
  const [a, b] = responses.map((response) => goldReward(prompt, response).total);
  return b > a ? [2, 1] : [1, 2];
}

async function trained(
  data: string,
  name: string,
): Promise<{
  readonly loss?: number;
  readonly accuracy?: number;
  readonly rankings?: number;
  readonly heldOutRankings?: number;
}> {
  const { stages } = await runTiny(join(folder, name), {
    text: `
model: { path: ${model} }
seed: 5
threads: 1
stages:
  - { type: reward, data: { path: ${data} }, maxSteps: 40, batchSize: 8, learningRate: 0.01, heldOut: 0.2 }
`,
  });
  return stages[0].result as {
    readonly loss?: number;
    readonly accuracy?: number;
    readonly rankings?: number;
    readonly heldOutRankings?: number;
  };
}

async function tinyModel(path: string): Promise<string> {
  const { tokenizer } = await trainBpe([...corpusTexts(40, { seed: 1 })], {
    vocabSize: 320,
    specialTokens: ['<|endoftext|>'],
  });
  const shape = { width: 16, layers: 1, heads: 2, innerWidth: 24, maxPositions: 512 };
  const config = makeLlamaConfig({ vocabSize: tokenizer.vocabSize, ...shape });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(6));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(path, { config, parameters, tokenizerFiles: tokenizer.files, card });
  return path;
}
