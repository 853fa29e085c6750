import { describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { estimateRun } from './estimate.ts';
import { parseRecipe } from './recipe.ts';
import { recipeSchema } from './run-recipe.ts';

const parse = (text: string) =>
  parseRecipe(text, { schema: recipeSchema, file: 'recipe.yaml', folder: '/' }).value;

describe('estimateRun', () => {
  it('plans every stage of a run in the sandbox', async () => {
    const recipe = parse(`
threads: 1
stages:
  - { type: pretrain, data: { sandbox: corpus, limit: 200 }, tokenizer: { vocabSize: 300 }, architecture: { width: 32, layers: 2, heads: 2, maxPositions: 128 }, maxLength: 64, maxSteps: 7 }
  - { type: sft, data: { sandbox: demonstrations, limit: 40 }, heldOut: 0, batchSize: 8, numTrainEpochs: 2, maxLength: 128, warmupRatio: 0.1 }
  - { type: rankings, prompts: { sandbox: prompts, limit: 30 }, responses: 3, overlap: 2 }
  - { type: reward, heldOut: 0.1, batchSize: 9, numTrainEpochs: 1 }
  - { type: ppo, prompts: { sandbox: prompts, limit: 10 }, totalEpisodes: 20, batchSize: 8, numPpoEpochs: 2, numMiniBatches: 2, responseLength: 16 }
  - { type: evaluate, prompts: { sandbox: prompts, split: test, limit: 5 } }
`);
    const { stages, seconds, memoryBytes, productsPerSecond } = await estimateRun(recipe);
    const [pretrain, sft, rankings, reward, ppo, evaluate] = stages;
    expect(stages.map(({ name }) => name)).toEqual(recipe.stages.map(({ type }) => type));

    // 300·32 for the embedding; a layer: 4·32² + 3·32·96 (8/3 of 32, rounded up to 96) + 2·32; the last norm.
    expect(pretrain.model.parameters).toBe(9600 + 2 * (4096 + 9216 + 64) + 32);
    expect(pretrain.training).toMatchObject({ steps: 7, unit: 'packed rows' });
    expect(pretrain.data).toEqual([{ path: 'sandbox:corpus', rows: 200 }]);
    // 40 examples, none held out, in batches of 8, twice; warm-up rounds up.
    expect(sft.model.from).toBe('pretrain');
    expect(sft.training).toMatchObject({ steps: 10, trainRows: 40, heldOutRows: 0, warmupSteps: 1 });
    expect(rankings.sampling).toMatchObject({ prompts: 30, responses: 90 });
    // 30 prompts ranked by two annotators are 60 rankings; 6 are held out, 54 make 6 batches of 9.
    expect(reward.training).toMatchObject({ steps: 6, trainRows: 54, heldOutRows: 6, unit: 'rankings' });
    // ⌈20 / 8⌉ = 3 iterations of 8 responses, 2 passes of 2 steps each.
    expect(ppo.training).toMatchObject({ steps: 12, batchSize: 4, trainRows: 24 });
    expect(ppo.model.from).toBe('sft');
    expect(ppo.sampling?.responseTokens).toBeLessThanOrEqual(16);
    expect(ppo.besides).toContain('reward model: reward');
    expect(evaluate.sampling).toMatchObject({ prompts: 5, responses: 15 }); // pretrain, sft, ppo

    expect(seconds).toBeCloseTo(stages.reduce((sum, stage) => sum + stage.seconds, 0));
    expect(memoryBytes).toBe(Math.max(...stages.map((stage) => stage.memoryBytes)));
    expect(productsPerSecond).toBeGreaterThan(1e8);
    for (const stage of stages) expect(stage.seconds).toBeGreaterThan(0);
  });

  it('finds at once what the run would stumble over', async () => {
    const run = (text: string) => estimateRun(parse(text));
    await expect(run('stages: [{ type: sft, data: { sandbox: demonstrations } }]')).rejects.toThrow(
      'has no model to start from',
    );
    await expect(
      run('{ model: { path: /nowhere }, stages: [{ type: sft, data: { sandbox: demonstrations } }] }'),
    ).rejects.toThrow('/nowhere is not a model folder: it has no config.json.');
  });

  const model = sharedData('models/stories260K');
  it.skipIf(!model)('refuses a language model in the place of a reward model', async () => {
    const recipe = parse(
      `{ model: { path: ${model} }, stages: [{ type: ppo, prompts: { sandbox: prompts }, rewardModelPath: ${model} }] }`,
    );
    await expect(estimateRun(recipe)).rejects.toThrow('is a language model; a reward model is needed here.');
  });

  const data = sharedData('preferences/hh-first-turn.dev.jsonl.gz');
  it.skipIf(!model || !data)('counts the rows of a file and the parameters of a model folder', async () => {
    const recipe = parse(
      `{ threads: 1, model: { path: ${model} }, stages: [{ type: dpo, data: { path: ${data} }, heldOut: 0.1, maxLength: 512 }] }`,
    );
    const { stages } = await estimateRun(recipe);
    expect(stages[0].model).toMatchObject({ from: 'base', parameters: 260_032 });
    expect(stages[0].data).toEqual([{ path: data, rows: 300 }]);
    const { trainRows = 0, heldOutRows = 0 } = stages[0].training ?? {};
    expect(trainRows + heldOutRows).toBeGreaterThan(280);
    expect(trainRows + heldOutRows).toBeLessThanOrEqual(300);
  });
});
