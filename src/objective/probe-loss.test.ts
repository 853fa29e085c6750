import { expect, it } from 'vitest';
import type { Tensor } from '../tensor/index.ts';
import { type ProbeLossOptions, probeLoss } from './probe-loss.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

const build =
  (settings: Pick<ProbeLossOptions, 'window' | 'temperature'>) =>
  (tensors: Record<string, Tensor>): Record<string, Tensor> => ({
    loss: probeLoss({ ...(tensors as never as ProbeLossOptions), ...settings }),
  });

const inputs = {
  logits: input([
    [8, 1, -2, 3],
    [0.5, -1, 6, 6],
  ]),
  counted: input([
    [0, 1, 1, 1],
    [1, 1, 0, 0],
  ]),
  labels: input([1, 0]),
  weights: input([1, 2]),
};
const harmful = (z: number): number => Math.log(1 + Math.exp(-z));
const harmless = (z: number): number => Math.log(1 + Math.exp(z));

/** Σ softmax(z / τ) · cost(z), by its plain definition. */
function weighted(scores: readonly number[], temperature: number, cost: (z: number) => number): number {
  const exps = scores.map((z) => Math.exp(z / temperature));
  const total = exps.reduce((a, b) => a + b);
  return scores.reduce((sum, z, i) => sum + (exps[i] / total) * cost(z), 0);
}

it.each([1, 0.5])(
  'weighs smoothed scores by their softmax at temperature %d, by hand',
  async (temperature) => {
    const { scalars } = await evaluate({ inputs, build: build({ window: 2, temperature }) });
    // Windows of two: 1, (1 − 2) / 2, (−2 + 3) / 2; and 0.5, (0.5 − 1) / 2.
    const first = weighted([1, -0.5, 0.5], temperature, harmful);
    const second = weighted([0.5, -0.25], temperature, harmless);
    expect(scalars.loss).toBeCloseTo((first + 2 * second) / 3, 10);
  },
);

it('has the gradient of finite differences', async () => {
  for (const window of [1, 3]) {
    expect(await gradientGap({ inputs, build: build({ window }), by: ['logits'] })).toBeLessThan(1e-6);
  }
});

it('says what it takes', async () => {
  await expect(evaluate({ inputs, build: build({ window: 0 }) })).rejects.toThrow(/window 0 must be/);
});
