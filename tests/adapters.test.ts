/** Adapters through a whole run: one base on disk and in memory, from fine-tuning to a merged export. */
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdaptedParameters, loadModelFolder, TextGenerator } from '../src/model/index.ts';
import { estimateRun, fitToMemory } from '../src/run/estimate.ts';
import { exportModel } from '../src/run/export-model.ts';
import { readEvents } from '../src/run/index.ts';
import type { PipelineResult } from '../src/run/pipeline.ts';
import { parseRecipe } from '../src/run/recipe.ts';
import { recipeSchema } from '../src/run/run-recipe.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const adapter = '{ rank: 2, alpha: 4 }';
const text = `
threads: 1
stages:
  - { type: pretrain, data: { sandbox: corpus, limit: 60 }, tokenizer: { vocabSize: 300 }, architecture: { width: 16, layers: 2, heads: 2, maxPositions: 160 }, maxLength: 64, maxSteps: 4 }
  - { type: sft, data: { sandbox: demonstrations, limit: 24 }, heldOut: 0, maxSteps: 3, batchSize: 4, maxLength: 160, learningRate: 1e-2, adapter: { rank: 2, alpha: 4, dropout: 0.1 } }
  - { type: rankings, prompts: { sandbox: prompts, limit: 8 }, responses: 2, responseLength: 8 }
  - { type: reward, heldOut: 0.25, maxSteps: 2, batchSize: 2, adapter: ${adapter} }
  - { type: ppo, prompts: { sandbox: prompts, limit: 8 }, allowWeakReward: true, totalEpisodes: 8, batchSize: 4, numPpoEpochs: 1, responseLength: 8, gradientCheckpointing: true, adapter: ${adapter} }
  - { type: dpo, model: pretrain, maxSteps: 2, batchSize: 2, adapter: ${adapter} }
  - { type: sft, name: whole, model: ppo, data: { sandbox: demonstrations, limit: 8 }, heldOut: 0, maxSteps: 1, batchSize: 4, maxLength: 160 }
`;

let folder: string;
let run: string;
let result: PipelineResult;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-adapters-'));
  run = join(folder, 'run');
  result = await runTiny(run, { text });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const modelOf = (name: string): string =>
  join(run, result.stages.find((stage) => stage.name === name)!.result.model!.folder);

describe('a run with adapters', () => {
  it('saves adapters of a few kilobytes over the one base, and a plain model where all weights were trained', async () => {
    for (const name of ['sft', 'reward', 'ppo', 'dpo']) {
      const files = await readdir(modelOf(name));
      expect(files).toEqual(
        expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors', 'base.json']),
      );
      expect(files).not.toContain('model.safetensors');
      const loaded = await loadModelFolder(modelOf(name));
      expect(loaded.baseFolder).toBe(modelOf('pretrain'));
      expect(loaded.head).toBe(name === 'reward' ? 'reward' : 'causal');
    }
    expect(await readdir(modelOf('whole'))).toContain('model.safetensors');
    const card = await readFile(join(modelOf('ppo'), 'README.md'), 'utf8');
    expect(card).toContain('library_name: peft');
    expect(card).toContain('| adapter.rank | 2 |');
  });

  it('trains an adapter on from stage to stage, and samples what it trains', async () => {
    const of = async (name: string) => (await loadModelFolder(modelOf(name))).parameters as AdaptedParameters;
    const [sft, ppo] = [await of('sft'), await of('ppo')];
    expect(ppo.names).toEqual(sft.names);
    expect(ppo.values).not.toEqual(sft.values);
    const gaps = (await readEvents(run)).flatMap(({ stage, metrics }) =>
      stage === 'ppo' ? [Number(metrics['sampling/sampling_logp_difference/max'])] : [],
    );
    expect(gaps.length).toBeGreaterThan(0);
    expect(Math.max(...gaps)).toBeLessThan(1e-4);
  });

  it('is moved as a whole, generates, and is merged into a plain model that answers the same', async () => {
    const moved = join(folder, 'moved');
    await rename(run, moved);
    const merged = await exportModel({
      source: moved,
      output: join(folder, 'merged'),
      stage: 'ppo',
      merge: true,
    });
    expect(merged).toMatchObject({ isAdapter: false, stage: 'ppo' });
    expect(merged.files).toContain('model.safetensors');
    const kept = await exportModel({ source: moved, output: join(folder, 'kept'), stage: 'ppo' });
    expect(kept).toMatchObject({ isAdapter: true });
    const answers = await Promise.all(
      [join(folder, 'merged'), join(folder, 'kept')].map(async (model) => {
        const generator = await TextGenerator.load(model, { threads: 1 });
        const [answer] = await generator.generate([
          { prompt: 'What', options: { maxNewTokens: 8, seed: 3 } },
        ]);
        await generator.release();
        return answer.text;
      }),
    );
    expect(answers[0]).toBe(answers[1]);
    await rename(moved, run);
  });

  it('is planned with one base, and fitted to a memory limit', async () => {
    const parse = (source: string) =>
      parseRecipe(source, { schema: recipeSchema, file: 'recipe.yaml', folder: '/' }).value;
    const { stages } = await estimateRun(parse(text));
    const weightsOf = (name: string): number => stages.find((stage) => stage.name === name)!.memory.weights;
    // Policy, reference, value function and reward model: one base and four adapters, each below a third of it.
    expect(weightsOf('ppo')).toBeLessThan(2.5 * weightsOf('pretrain'));
    expect(weightsOf('dpo')).toBeLessThan(1.5 * weightsOf('pretrain'));
    const { recipe } = await fitToMemory(parse(`memory: 340MB\n${text}`));
    const ppo = recipe.stages.find((stage) => stage.type === 'ppo')!;
    expect(ppo).toMatchObject({ gradientCheckpointing: true });
    await expect(fitToMemory(parse(`memory: 300MB\n${text}`))).rejects.toThrow(
      'stage "pretrain" needs about',
    );
  });

  it('refuses to train an adapter on with other options', async () => {
    const changed = text.replace(
      'maxSteps: 2, batchSize: 2, adapter: { rank: 2',
      'maxSteps: 2, batchSize: 2, adapter: { rank: 3',
    );
    await expect(runTiny(join(folder, 'changed'), { text: changed })).rejects.toThrow(
      'stage "reward" starts from the adapter in',
    );
  }, 60_000);
});
