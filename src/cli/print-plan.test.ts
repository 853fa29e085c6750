import { describe, expect, it } from 'vitest';
import { formatCount } from '../run/estimate/planned-model.ts';
import type { RunEstimate } from '../run/estimate.ts';
import type { RunRecipe } from '../run/run-recipe.ts';
import { formatBytes, formatSeconds, renderPlan } from './print-plan.ts';

describe('numbers of a plan', () => {
  it('are rounded to what an estimate can know', () => {
    expect([900, 48_400_000, 1_250_000_000].map(formatBytes)).toEqual(['1 kB', '48 MB', '1.3 GB']);
    expect([0.2, 59.6, 100, 5400, 9000].map(formatSeconds)).toEqual([
      '1 s',
      '60 s',
      '2 min',
      '1 h 30 min',
      '2 h 30 min',
    ]);
    expect([812, 54_321, 260_032, 8_749_120, 1.2e9].map(formatCount)).toEqual([
      '812',
      '54,321',
      '260 k',
      '8.75 M',
      '1.2 G',
    ]);
  });
});

describe('renderPlan', () => {
  const estimate: RunEstimate = {
    seconds: 120,
    memoryBytes: 1e15,
    productsPerSecond: 2e11,
    stages: [
      {
        name: 'tune',
        type: 'sft',
        model: { from: 'base', description: 'llama, 2 layers of width 8, 348 parameters', parameters: 348 },
        besides: [],
        data: [{ path: 'rows.jsonl', rows: 1200 }],
        training: {
          steps: 75,
          batchSize: 16,
          unit: 'examples',
          trainRows: 1140,
          heldOutRows: 60,
          tokensPerRow: 50.4,
          tokens: 1_500_000,
          microBatchesPerStep: 1,
          learningRate: 0.001,
          schedule: 'cosine',
          warmupSteps: 4,
        },
        memory: { weights: 2e6, activations: 5e7 },
        memoryBytes: 1e15,
        seconds: 120,
        notes: [],
      },
    ],
  };
  const recipe = { seed: 3, threads: 2, stages: [] } as unknown as RunRecipe;

  it('says what each stage does and needs', () => {
    const text = renderPlan(estimate, { recipe, name: 'mine', runFolder: '/runs/mine' }).join('\n');
    expect(text).toContain('Plan of mine  seed 3, 2 threads');
    expect(text).toContain('1 tune (sft)');
    expect(text).toContain('rows.jsonl: 1,200 rows');
    expect(text).toContain('75 of 16 examples (1,140 to train on, 60 held out)');
    expect(text).toContain('about 1.5 M with padding, 50 for each of the examples');
    expect(text).toContain('cosine to 0 from 0.001 after 4 steps of warm-up');
    expect(text).toContain('process 300 MB, weights 2 MB, activations 50 MB');
    expect(text).toContain('200 GFLOP/s');
  });

  it('warns where the machine has too little memory', () => {
    const plan = (memoryBytes: number) =>
      renderPlan({ ...estimate, memoryBytes }, { recipe, name: 'mine', runFolder: '/runs/mine' }).join('\n');
    expect(plan(1e15)).toContain('This may not fit: lower microBatchTokens first');
    expect(plan(1e6)).not.toContain('This may not fit');
  });
});
