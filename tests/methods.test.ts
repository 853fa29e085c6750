/** Every method as a stage of a recipe: what it makes, and that a best-of-n stage goes on where it stopped. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecords } from '../src/data/index.ts';
import { estimateRun } from '../src/run/estimate.ts';
import { readEvaluation } from '../src/run/evaluation.ts';
import { readEvents, readSamples } from '../src/run/index.ts';
import type { PipelineResult } from '../src/run/pipeline.ts';
import { parseRecipe } from '../src/run/recipe.ts';
import { recipeSchema } from '../src/run/run-recipe.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const trained = [
  ...['dpo', 'kto', 'orpo', 'cpo', 'simpo'],
  ...['rloo', 'grpo', 'reinforce-plus-plus', 'online-dpo', 'raft'],
];
const recipePath = join(dirname(fileURLToPath(import.meta.url)), 'fixtures/methods.yaml');

let folder: string;
let run: string;
let text: string;
let result: PipelineResult;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-methods-'));
  run = join(folder, 'run');
  text = await readFile(recipePath, 'utf8');
  result = await runTiny(run, { text });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const resultOf = (name: string): PipelineResult['stages'][number]['result'] =>
  result.stages.find((stage) => stage.name === name)!.result;

describe('every method as a stage', () => {
  it('makes a model of its own from the same start, with its card', () => {
    const weights = ['sft', ...trained, 'distilled'].map((name) => resultOf(name).model?.weights);
    expect(weights).not.toContain(undefined);
    expect(new Set(weights).size).toBe(weights.length);
    for (const name of trained) {
      expect(resultOf(name).card?.map((stage) => stage.name)).toEqual(['pretrain', 'sft', name]);
    }
    expect(resultOf('dpo')).toMatchObject({ steps: 2, pairs: expect.any(Number) });
    expect(resultOf('kto')).toMatchObject({ steps: 2, responses: expect.any(Number) });
    expect(resultOf('grpo')).toMatchObject({ iterations: 2, episodes: 8, rewardModel: 'reward' });
    expect(resultOf('raft').klBound).toBeCloseTo(Math.LN2 - 0.5, 9);
  });

  it('records metrics under the names of TRL', async () => {
    const events = await readEvents(run);
    const namesOf = (stage: string): string[] => [
      ...new Set(events.flatMap((event) => (event.stage === stage ? Object.keys(event.metrics) : []))),
    ];
    for (const stage of ['rloo', 'grpo', 'reinforce-plus-plus', 'online-dpo', 'raft']) {
      expect(namesOf(stage)).toEqual(
        expect.arrayContaining([
          ...['loss', 'reward', 'reward_std', 'rewards/reward/mean', 'num_tokens', 'step_time', 'entropy'],
          ...['completions/mean_length', 'completions/clipped_ratio', 'grad_norm', 'lr', 'probe/gold'],
          'sampling/sampling_logp_difference/mean',
        ]),
      );
    }
    for (const stage of ['dpo', 'kto', 'orpo', 'cpo', 'simpo', 'online-dpo']) {
      expect(namesOf(stage)).toEqual(
        expect.arrayContaining([
          'rewards/chosen',
          'rewards/rejected',
          'rewards/margins',
          'logps/chosen',
          'logits/rejected',
        ]),
      );
    }
  });

  it('shows with best-of-n what more answers yield, and keeps the best as data that sft learns from', async () => {
    const best = resultOf('best-of-n');
    expect(best).toMatchObject({ prompts: 8, responses: 24, n: 3, kept: 8 });
    expect(best.klBound).toBeCloseTo(Math.log(3) - 2 / 3, 9);
    const curve = (await readEvents(run)).filter(({ stage }) => stage === 'best-of-n');
    expect(curve.map(({ step }) => step)).toEqual([1, 2, 3]);
    const rewards = curve.map(({ metrics }) => metrics.reward as number);
    expect(rewards.toSorted((a, b) => a - b)).toEqual(rewards);
    expect(curve[2].metrics).toMatchObject({ reward: best.bestReward, 'probe/gold': expect.any(Number) });
    const records: { prompt: string; reward: number }[] = [];
    for await (const { record, format } of readRecords(join(run, best.data!))) {
      expect(format).toBe('prompt-completion');
      records.push(record as never);
    }
    expect(records).toHaveLength(8);
    expect(records.reduce((sum, { reward }) => sum + reward, 0) / 8).toBeCloseTo(
      best.bestReward as number,
      5,
    );
    expect(resultOf('distilled')).toMatchObject({ steps: 2 });
  });

  it('evaluates all of them, divergence measured from what they started from', async () => {
    const [models] = (await readEvaluation(run)).tables;
    expect(models.rows.map(({ name }) => name)).toEqual(['pretrain', 'sft', ...trained, 'distilled']);
    const kl = models.columns.findIndex(({ name }) => name === 'KL from sft');
    expect(kl).toBeGreaterThan(0);
    expect(models.rows[1].cells[kl].value).toBeNull();
    for (const row of models.rows.slice(2)) expect(row.cells[kl].value).not.toBeNull();
    const answers = (await readSamples(run)).filter(({ stage }) => stage === 'evaluate');
    expect(answers.map(({ model }) => model)).toEqual(['pretrain', 'sft', ...trained, 'distilled']);
  });

  it('measures divergence from the base model where a run starts from one', async () => {
    const base = join(run, resultOf('sft').model!.folder);
    const other = join(folder, 'from-base');
    await runTiny(other, {
      text: `
model: { path: ${base} }
threads: 1
stages:
  - { type: dpo, data: { path: ${join(run, resultOf('rankings').data!)} }, heldOut: 0, maxSteps: 1, maxLength: 160, learningRate: 0.001 }
  - { type: evaluate, prompts: { sandbox: prompts, split: test, limit: 4 }, responseLength: 8 }`,
    });
    const [{ columns, rows }] = (await readEvaluation(other)).tables;
    const kl = columns.findIndex(({ name }) => name === 'KL from base');
    expect(rows.map(({ name, cells }) => [name, cells[kl].value === null])).toEqual([
      ['base', true],
      ['dpo', false],
    ]);
  });

  it('is estimated stage by stage, with as many steps and responses as the run had', async () => {
    const recipe = parseRecipe(text, { schema: recipeSchema, file: 'methods.yaml', folder: '.' }).value;
    const { stages } = await estimateRun(recipe);
    const planOf = (name: string) => stages.find((stage) => stage.name === name)!;
    for (const name of ['dpo', 'kto', 'orpo', 'cpo', 'simpo', 'distilled']) {
      expect(planOf(name).training?.steps).toBe(2);
    }
    for (const name of trained.slice(5)) {
      expect(planOf(name).sampling?.responses).toBe(8);
      expect(planOf(name).training?.steps).toBe(2);
      expect(planOf(name).besides).toContain('reward model: reward');
    }
    expect(planOf('grpo').besides).toContain('reference: sft as it was');
    expect(planOf('raft').besides).toContain('no reference model (beta is 0)');
    expect(planOf('best-of-n').sampling).toMatchObject({ prompts: 8, responses: 24 });
    expect(planOf('distilled').training).toMatchObject({ trainRows: 8 });
    for (const stage of stages) expect(stage.seconds).toBeGreaterThan(0);
  });

  it('goes on with best-of-n where it was stopped, to the same answers', async () => {
    const other = join(folder, 'stopped');
    const short = text
      .split('  - { type: sft, name: distilled')[0]
      .replace(/ {2}- \{ type: (dpo|kto|orpo|cpo|simpo)[^}]*\}\n/g, '')
      .replace(/ {2}- type: rloo[\s\S]*?(?= {2}- type: best-of-n)/, '');
    const withPrompts = short.replace('*prompts', '{ sandbox: prompts, limit: 8 }');
    const controller = new AbortController();
    const ignore = (): void => {};
    const display = {
      ...{ stage: ignore, event: ignore, sample: ignore, warn: ignore, close: ignore },
      progress: ({ stage, done }: { stage: string; done: number }) => {
        if (stage === 'best-of-n' && done === 3) controller.abort();
      },
    };
    await expect(runTiny(other, { text: withPrompts, signal: controller.signal, display })).rejects.toThrow(
      'Stopped after prompt 3 of 8; the state is saved. Resume with --resume.',
    );
    const resumed = await runTiny(other, { text: withPrompts, resume: true });
    const { data } = resumed.stages.find(({ name }) => name === 'best-of-n')!.result;
    expect(await readFile(join(other, data!), 'utf8')).toBe(
      await readFile(join(run, resultOf('best-of-n').data!), 'utf8'),
    );
  });
});

describe('recipes that cannot run', () => {
  const check = (stages: string): unknown =>
    parseRecipe(`{ model: { path: /m }, stages: [${stages}] }`, {
      schema: recipeSchema,
      file: 'recipe.yaml',
      folder: '/',
    });

  it('are refused with the options that do not go together, at their places', () => {
    expect(() =>
      check(
        '{ type: grpo, prompts: { path: p }, rewardModelPath: r, batchSize: 20, numGenerations: 8, delta: 2, lossType: sapo }',
      ),
    ).toThrow(
      /batchSize \(Responses per iteration.*\) is 20: must be a multiple of numGenerations, 8.*\n.*delta.* is 2: clips nothing with lossType sapo/,
    );
    expect(() => check('{ type: dpo, data: { path: p }, syncRefModel: true }')).toThrow(
      'must be false with syncRefModel',
    );
  });
});
