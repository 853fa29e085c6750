/** Several objectives from the data to the report: every kind of them, bounds, ensembles, learnt weights, resuming. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { loadModelFolder } from '../src/model/index.ts';
import { estimateRun } from '../src/run/estimate.ts';
import { readEvaluation } from '../src/run/evaluation.ts';
import { readEvents, readManifest, readSamples } from '../src/run/index.ts';
import type { PipelineResult } from '../src/run/pipeline.ts';
import { parseRecipe } from '../src/run/recipe.ts';
import { recipeSchema } from '../src/run/run-recipe.ts';
import { annotate, goldReward, prompts, sampleResponses, typicalPanel } from '../src/sandbox/index.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);

let folder: string;
let run: string;
let text: string;
let result: PipelineResult;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-objectives-'));
  run = join(folder, 'run');
  await writeFile(join(folder, 'labels.jsonl'), labels());
  await writeFile(
    join(folder, 'rewards.mjs'),
    'export default (prompt) => (prompt.length % 2 ? null : 1); export const short = async (_, response) => -response.length;',
  );
  text = recipe(folder);
  result = await runTiny(run, { text });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Overall rankings by annotators, and by each of two objectives for half of the prompts. */
function labels(): string {
  const random = new Random(2);
  const items = prompts(40, 'train', { seed: 2 }).map((prompt) => ({
    prompt: prompt.text,
    responses: sampleResponses(prompt, 3, { random }),
  }));
  const records = annotate(items, { panel: typicalPanel, seed: 2, overlap: 1 });
  return records
    .map((record, i) => {
      const name = i % 2 ? 'helpful' : 'harmless';
      const scores = record.responses.map((response) => goldReward(record.prompt, response)[name]);
      return `${JSON.stringify({ ...record, scores: { [name]: scores } })}\n`;
    })
    .join('');
}

function recipe(data: string): string {
  return `
name: objectives
seed: 3
threads: 1
stages:
  - type: pretrain
    data: { sandbox: corpus, limit: 120 }
    tokenizer: { vocabSize: 300 }
    architecture: { width: 32, layers: 2, heads: 2, maxPositions: 160 }
    maxLength: 128
    batchSize: 6
    maxSteps: 6
  - { type: reward, name: heads, data: &labels { path: ${data}/labels.jsonl }, heads: [helpful, harmless], ties: skip, heldOut: 0.3, maxLength: 160, batchSize: 8, maxSteps: 4, learningRate: 0.003 }
  - { type: reward, name: trunk, data: *labels, ensembleHeads: 3, heldOut: 0.3, maxLength: 160, batchSize: 8, maxSteps: 3 }
  - { type: reward, name: first, seed: 11, data: *labels, maxLength: 160, batchSize: 8, maxSteps: 3 }
  - { type: reward, name: second, seed: 12, data: *labels, maxLength: 160, batchSize: 8, maxSteps: 3 }
  - type: grpo
    prompts: &prompts { sandbox: prompts, limit: 12 }
    allowWeakReward: true
    rewards:
      - { name: helpful, rewardModel: heads, head: helpful }
      - { name: harmless, rewardModel: heads, head: harmless, atLeast: 50 }
      - { name: trunk, rewardModel: trunk, ensemble: minus_deviation, spreadWeight: 0.7, weight: 0.5 }
      - { name: models, rewardModel: [first, second], ensemble: worst, weight: 0.5 }
      - { name: even, function: ${data}/rewards.mjs }
      - { name: short, function: ${data}/rewards.mjs, export: short, weight: 0.1, timeoutMs: 1000, concurrency: 2 }
      - { name: brief, rule: { type: length, max: 6, slack: 10 } }
      - { name: honest, gold: honest, atMost: 2 }
    rewardMix: { aggregation: normalize_then_sum, multiplier: { learningRate: 0.5, window: 16 } }
    scaleRewards: batch
    totalEpisodes: 24
    batchSize: 8
    numGenerations: 4
    maxCompletionLength: 12
    learningRate: 0.001
    beta: 0.04
    saveSteps: 1
  - type: ppo
    model: pretrain
    prompts: *prompts
    rewards:
      - { name: even, function: ${data}/rewards.mjs }
      - { name: brief, rule: { type: overlong, maxLength: 12, cache: 6 }, atLeast: -0.5 }
    totalEpisodes: 16
    batchSize: 8
    responseLength: 12
    learningRate: 0.001
    saveSteps: 1
  - type: rloo
    model: pretrain
    prompts: *prompts
    allowWeakReward: true
    rewards:
      - { name: helpful, gold: helpful }
      - { name: harmless, gold: harmless }
      - { name: brief, rule: { type: length, max: 6, slack: 10 } }
    rewardMix: { learnedWeights: { data: *labels } }
    totalEpisodes: 8
    batchSize: 4
    maxCompletionLength: 12
    learningRate: 0.001
  - type: best-of-n
    model: pretrain
    prompts: *prompts
    rewards:
      - { name: brief, rule: { type: length, max: 6, slack: 10 } }
      - { name: even, function: ${data}/rewards.mjs }
    numGenerations: 3
    maxCompletionLength: 12
  - { type: evaluate, prompts: { sandbox: prompts, split: test, limit: 10 }, responseLength: 12, samples: 2 }
`;
}

type Found = PipelineResult['stages'][number]['result'];
const resultOf = (name: string): Found => result.stages.find((stage) => stage.name === name)!.result;
async function metricsOf(path: string, stage: string): Promise<Readonly<Record<string, number | null>>[]> {
  return (await readEvents(path)).filter((event) => event.stage === stage).map(({ metrics }) => metrics);
}

describe('reward models with several heads', () => {
  it('are measured head by head, each on the labels that there are', async () => {
    expect(resultOf('heads')).toMatchObject({
      heads: { helpful: { accuracy: { estimate: expect.any(Number) } }, harmless: expect.anything() },
    });
    expect(resultOf('heads').evaluation).toBeUndefined();
    const [metrics] = await metricsOf(run, 'heads').then((all) =>
      all.filter((one) => 'eval_accuracy/helpful' in one),
    );
    expect(metrics).toHaveProperty('eval_loss/harmless');
    expect(resultOf('trunk')).toMatchObject({
      accuracy: expect.any(Number),
      heads: { 'member 3': expect.anything() },
    });
  });

  it('are sequence classifiers of as many labels for transformers, and load as what they are', async () => {
    const path = join(run, resultOf('heads').model!.folder);
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      architectures: ['LlamaForSequenceClassification'],
      id2label: { 0: 'helpful', 1: 'harmless' },
      label2id: { helpful: 0, harmless: 1 },
      reward_heads: { kind: 'objectives', means: [expect.any(Number), expect.any(Number)] },
    });
    const { heads, parameters } = await loadModelFolder(path);
    expect(heads).toMatchObject({ kind: 'objectives', names: ['helpful', 'harmless'] });
    expect(parameters.shapeOf('score.weight')).toEqual([2, 32]);
    expect((await loadModelFolder(join(run, resultOf('trunk').model!.folder))).heads?.kind).toBe('ensemble');
  });
});

describe('a policy with several objectives', () => {
  it('records each apart, its bound and the disagreement of its ensemble', async () => {
    const metrics = await metricsOf(run, 'grpo');
    expect(metrics).toHaveLength(3);
    for (const name of ['helpful', 'harmless', 'trunk', 'models', 'even', 'short', 'brief', 'honest']) {
      expect(metrics[0]).toHaveProperty(`rewards/${name}/mean`);
    }
    expect(metrics[0]['rewards/trunk/ensemble_spread']).toBeGreaterThan(0);
    expect(metrics[0]['rewards/models/ensemble_spread']).toBeGreaterThan(0);
    expect(metrics[0]).not.toHaveProperty('rewards/helpful/ensemble_spread');
    expect(metrics[0]['constraints/harmless/multiplier']).toBe(1);
    // The score is far below 50, so its multiplier rises; honesty never exceeds 2, so that one falls.
    expect(metrics[0]['constraints/harmless/violation']).toBeGreaterThan(0);
    expect(metrics[2]['constraints/harmless/multiplier']).toBeGreaterThan(1);
    expect(metrics[2]['constraints/honest/multiplier']).toBeLessThan(1);
    const even = await readSamples(run).then((all) => all.filter(({ stage }) => stage === 'grpo'));
    for (const { prompt, scores } of even) expect('even' in scores).toBe(prompt.length % 2 === 0);
  });

  it('says in its results what counts how, and in the manifest which files and models it used', async () => {
    const { objectives } = resultOf('grpo') as unknown as { objectives: Record<string, unknown>[] };
    expect(objectives.find(({ name }) => name === 'harmless')).toEqual({
      ...{ name: 'harmless', source: 'reward model heads, head harmless', weight: 0, atLeast: 50 },
    });
    expect(objectives.find(({ name }) => name === 'models')).toMatchObject({
      source: 'reward models first, second (ensemble of 2, worst)',
    });
    const { inputs, stages } = await readManifest(run);
    expect(inputs.filter(({ kind }) => kind === 'code').map(({ name }) => name)).toContain(
      'grpo objective even',
    );
    const uses = stages.find(({ name }) => name === 'grpo')?.uses ?? [];
    expect(uses.map(({ role, stage }) => [role, stage])).toEqual(
      expect.arrayContaining([
        ['reward model helpful', 'heads'],
        ['reward model models 1', 'first'],
        ['reward model models 2', 'second'],
      ]),
    );
  });

  it.each([
    ['grpo', 2],
    ['ppo', 1],
  ])('goes on after a stop to the same bits: %s', { timeout: 60_000 }, async (stage, after) => {
    const path = join(folder, `stopped-${stage}`);
    const base = join(run, resultOf('pretrain').model!.folder);
    const reward = (name: string): string => join(run, resultOf(name).model!.folder);
    const [start, end] = [
      text.indexOf(`  - type: ${stage}\n`),
      text.indexOf('\n  - type: ', text.indexOf(`  - type: ${stage}\n`) + 5),
    ];
    const alone = text
      .slice(start, end)
      .replace(/\*prompts|&prompts \{.*\}/, '{ sandbox: prompts, limit: 12 }')
      .replace('    model: pretrain\n', '')
      .replaceAll(
        /rewardModel: \[first, second\]/g,
        `rewardModelPath: [${reward('first')}, ${reward('second')}]`,
      )
      .replaceAll(/rewardModel: (heads|trunk)/g, (_, name) => `rewardModelPath: ${reward(name)}`);
    const options = { text: `seed: 3\nthreads: 1\nmodel: { path: ${base} }\nstages:\n${alone}` };
    const whole = await runTiny(`${path}-whole`, options);
    const stop = new AbortController();
    const display = {
      ...silent,
      progress: ({ done }: { done: number }) => {
        if (done === after) stop.abort();
      },
    };
    await expect(
      runTiny(path, { ...options, signal: stop.signal, display: display as never }),
    ).rejects.toMatchObject({
      code: 'interrupted',
    });
    const resumed = await runTiny(path, { ...options, resume: true });
    expect(resumed.stages[0].result).toEqual(whole.stages[0].result);
    const multipliers = async (place: string): Promise<unknown[]> =>
      (await metricsOf(place, stage)).map((one) =>
        Object.entries(one).filter(([name]) => name.startsWith('constraints/')),
      );
    expect(await multipliers(path)).toEqual(await multipliers(`${path}-whole`));
  });

  it('finds weights that agree with the annotators', () => {
    const { learnedWeights } = resultOf('rloo') as unknown as {
      learnedWeights: {
        weights: { name: string; weight: number; standardError: number | null }[];
        accuracy: number;
        pairs: number;
      };
    };
    expect(learnedWeights.weights.map(({ name }) => name)).toEqual(['helpful', 'harmless', 'brief']);
    for (const { weight } of learnedWeights.weights) expect(weight).toBeGreaterThanOrEqual(0);
    // The annotators want help above all, and it shows in three pairs of each of 40 prompts, but for those too long.
    expect(learnedWeights.weights[0].weight).toBeGreaterThan(1);
    expect(learnedWeights.accuracy).toBeGreaterThan(0.6);
    expect(learnedWeights.pairs).toBeGreaterThan(90);
    expect(learnedWeights.pairs % 3).toBe(0);
  });

  it('chooses the best of N by all of them, and says what each becomes', async () => {
    const metrics = await metricsOf(run, 'best-of-n');
    const brief = metrics.map((one) => one['rewards/brief/mean'] as number);
    expect(brief[2]).toBeGreaterThanOrEqual(brief[0]);
    expect(resultOf('best-of-n')).toMatchObject({ kept: 12, rewardModel: 'brief + even' });
  });
});

describe('evaluation and report', () => {
  it('hold every objective apart, for every model', async () => {
    const { tables } = await readEvaluation(run);
    const table = tables.find(({ kind }) => kind === 'objectives')!;
    expect(table.columns.map(({ name }) => name)).toEqual([
      ...['helpful', 'harmless', 'trunk', 'models', 'even', 'short', 'brief', 'honest'],
    ]);
    // A later stage's word counts: in rloo harmless is the gold one, without a bound.
    expect(table.note).toContain('harmless: gold harmless');
    expect(table.rows.map(({ name }) => name)).toEqual(['pretrain', 'grpo', 'ppo', 'rloo']);
    const reward = tables.find(({ title }) => title === 'Reward model on held-out pairs')!;
    expect(reward.rows[0].name).toBe('second');
    const html = await readFile(join(run, 'report.html'), 'utf8');
    expect(html).toContain('<section id="objectives"');
    expect(html.match(/<svg class="pareto"/g)).toHaveLength(3);
    expect(html).toContain('While grpo learnt');
  });

  it.skipIf(!executablePath)('are accessible and fit a phone', { timeout: 60_000 }, async () => {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const context = await browser.newContext({
        viewport: { width: 390, height: 900 },
        colorScheme: 'dark',
      });
      const page = await context.newPage();
      await page.goto(`file://${join(run, 'report.html')}`);
      const { violations } = await new AxeBuilder({ page }).include('#objectives').analyze();
      expect(violations.map(({ id }) => id)).toEqual([]);
      const [content, window] = (await page.evaluate(
        '[document.documentElement.scrollWidth, innerWidth]' as string,
      )) as number[];
      expect(content).toBeLessThanOrEqual(window);
    } finally {
      await browser.close();
    }
  });
});

it('is estimated with all that scores', async () => {
  const { stages } = await estimateRun(
    parseRecipe(text, { schema: recipeSchema, file: 'r', folder: '.' }).value,
  );
  expect(stages.find(({ name }) => name === 'grpo')?.besides).toEqual([
    'reference: pretrain as it was',
    'objective helpful: reward model: heads',
    'objective harmless: reward model: heads',
    'objective trunk: reward model: trunk',
    'objective models: reward model: first',
    'objective models: reward model: second',
    'objective even: function rewards.mjs',
    'objective short: function rewards.mjs',
    'objective brief: rule length',
    'objective honest: gold honest',
  ]);
});

describe('recipes with objectives', () => {
  function problemsOf(rewards: string, others = ''): string {
    const written = `stages: [{ type: grpo, prompts: { sandbox: prompts }, rewards: ${rewards}${others} }]`;
    try {
      parseRecipe(written, { schema: recipeSchema, file: 'r.yaml', folder: '.' });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  }

  it('are refused where objectives make no sense, before anything runs', () => {
    expect(problemsOf('[{ name: a }]')).toMatch(/must have one of rewardModel, .*, and has none/);
    expect(problemsOf('[{ name: a, gold: total, rule: { type: json } }]')).toMatch(/has rule and gold/);
    expect(problemsOf('[{ name: a, gold: total, head: x }]')).toMatch(
      /head.* goes with rewardModel or rewardModelPath/,
    );
    expect(problemsOf('[{ name: a, gold: total }, { name: a, gold: honest }]')).toMatch(/two are called "a"/);
    expect(problemsOf('[{ name: a, gold: total, atLeast: 1 }]')).toMatch(
      /must have an objective with a weight/,
    );
    expect(problemsOf('[{ name: a, gold: total }]', ', judge: {}')).toMatch(
      /judge.*cannot be given beside rewards/,
    );
    expect(problemsOf('[{ name: a, rule: { type: lenght } }]')).toMatch(/did you mean "length"/);
    expect(problemsOf('[{ name: a, gold: total }]')).toBe('');
  });

  it('are measured where an objective does not apply to every prompt, or there is one prompt alone', async () => {
    const base = join(run, resultOf('pretrain').model!.folder);
    const asked = join(folder, 'asked.jsonl');
    const rows = ['odd', 'even', 'two', 'four'].map((prompt) => `${JSON.stringify({ prompt })}\n`);
    await writeFile(asked, rows.join(''));
    const path = join(folder, 'partial');
    const { stages } = await runTiny(path, {
      text: `
threads: 1
model: { path: ${base} }
stages:
  - type: rloo
    prompts: { path: ${asked} }
    rewards: [{ name: even, function: ${folder}/rewards.mjs }]
    totalEpisodes: 4
    batchSize: 4
    maxCompletionLength: 8
  - { type: evaluate, name: alone, prompts: { path: ${asked}, limit: 1 }, responseLength: 8 }
  - { type: evaluate, prompts: { path: ${asked} }, responseLength: 8 }
`,
    });
    // The function says 1 for prompts of even length, and nothing for others.
    expect(stages[1].result).toMatchObject({ headline: 'objective even', means: { base: null, rloo: null } });
    expect(stages[2].result).toMatchObject({ headline: 'objective even', means: { base: 1, rloo: 1 } });
    const { tables } = await readEvaluation(path);
    expect(tables.find(({ title }) => title === 'evaluate: Change in objective even')?.rows).toEqual([
      { name: 'rloo − base', cells: [{ value: 0, low: 0, high: 0 }] },
    ]);
    // Two stages evaluate, and neither takes the place of the other.
    for (const name of ['alone', 'evaluate']) {
      expect(tables.map(({ title }) => title)).toContain(`${name}: Models on held-out prompts`);
    }
    const report = await readFile(join(path, 'report.html'), 'utf8');
    for (const name of ['alone', 'evaluate'])
      expect(report).toContain(`${name}: Objectives on held-out prompts`);
  });

  it('name a reward function that is not there, or fails, with what to do', async () => {
    const base = join(run, resultOf('pretrain').model!.folder);
    const broken = join(folder, 'broken.mjs');
    await writeFile(broken, 'export default () => { throw new Error("no key"); };');
    const go = (rewards: string): Promise<unknown> =>
      runTiny(join(folder, `errors-${Math.abs(rewards.length)}`), {
        text: `threads: 1\nmodel: { path: ${base} }\nstages: [{ type: rloo, prompts: { sandbox: prompts, limit: 4 }, totalEpisodes: 4, batchSize: 4, maxCompletionLength: 8, rewards: [${rewards}] }]`,
        overwrite: true,
      });
    await expect(go(`{ name: a, function: ${broken} }`)).rejects.toThrow(
      /^Reward function "a" \(broken.mjs\) threw: no key. Prompt: "/,
    );
    await expect(go(`{ name: a, function: ${broken}, export: other }`)).rejects.toThrow(
      /has no function "other"; it exports: default/,
    );
    const heads = join(run, resultOf('heads').model!.folder);
    await expect(go(`{ name: a, rewardModelPath: ${heads} }`)).rejects.toThrow(
      /objective "a" does not say which head of reward model \d+-heads.model, which has: helpful, harmless. Choose one: rewards: \[\{ name: a, head: helpful, … \}\]\./,
    );
  });
});

const silent = {
  stage: () => {},
  event: () => {},
  sample: () => {},
  progress: () => {},
  warn: () => {},
  close: () => {},
};
