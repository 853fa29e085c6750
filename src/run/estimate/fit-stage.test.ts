import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../recipe.ts';
import { recipeSchema, type StageOf } from '../run-recipe.ts';
import { fitStage } from './fit-stage.ts';
import { processBytes } from './memory.ts';
import type { StageDraft } from './stage-estimate.ts';

const sft = parseRecipe('stages: [{ type: sft, data: { sandbox: demonstrations } }]', {
  schema: recipeSchema,
  file: 'recipe.yaml',
  folder: '/',
}).value.stages[0] as StageOf<'sft'>;

/** Takes 1 MB of weights, and 1 kB per token, or a fifth of that with checkpointing. */
async function draftOf({ microBatchTokens, gradientCheckpointing }: StageOf<'sft'>): Promise<StageDraft> {
  const activations = 1000 * microBatchTokens * (gradientCheckpointing ? 0.2 : 1);
  return { memory: { weights: 1e6, activations } } as unknown as StageDraft;
}

describe('fitStage', () => {
  const chosenFor = async (megabytes: number, some: Partial<StageOf<'sft'>> = {}) => {
    const limit = processBytes + megabytes * 1e6;
    const { options } = await fitStage({ ...sft, ...some }, 'sft', limit, draftOf);
    return [options.microBatchTokens, options.gradientCheckpointing];
  };

  it('takes the fastest way that fits', async () => {
    expect(await chosenFor(10)).toEqual([4096, false]); // 1 + 4.096
    expect(await chosenFor(4)).toEqual([2048, false]); // 1 + 2.048
    expect(await chosenFor(1.6)).toEqual([512, false]); // 1 + 0.512
    expect(await chosenFor(1.45)).toEqual([2048, true]); // 1 + 0.4096; without, 256 tokens would fit: too flat
    expect(await chosenFor(1.03)).toEqual([128, true]); // 1 + 0.0256
  });

  it('goes no higher than the options say', async () => {
    expect(await chosenFor(10, { microBatchTokens: 300 })).toEqual([300, false]);
    expect(await chosenFor(10, { gradientCheckpointing: true })).toEqual([4096, true]);
  });

  it('says what would be needed where nothing fits', async () => {
    await expect(chosenFor(1.01)).rejects.toThrow(
      'stage "sft" needs about 0.30 GB even with the smallest micro-batches and activation checkpointing, and memory is limited to 0.30 GB: process 0.30 GB, weights 0.001 GB, activations 0.000 GB. ' +
        'Raise the limit, train an adapter (adapter: { type: lora }), lower the longest sequences, or take a smaller model.',
    );
  });
});
