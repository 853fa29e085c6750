import { describe, expect, it } from 'vitest';
import {
  add,
  exp,
  log,
  multiply,
  reshape,
  stopGradient,
  subtract,
  sum,
  type Tensor,
} from '../tensor/index.ts';
import type { KlEstimator } from './kl.ts';
import { klLoss, klPenaltyTensor } from './kl-loss.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';
import { gridLayout } from './token-layout.ts';

type Tensors = Record<string, Tensor>;

/** log softmax of [V]. */
function logSoftmax(logits: Tensor): Tensor {
  return subtract(logits, log(sum(exp(logits))));
}

describe('klPenaltyTensor', () => {
  // One token of a vocabulary of four. The expectation over draws is a sum over all of them, so nothing is random.
  const inputs = {
    logits: input([0.3, -0.4, 1.1, 0.2]),
    old: input([0.1, 0.2, 0.9, -0.5]),
    reference: input([-0.2, 0.5, 0.4, 0]),
  };
  const exact = ({ logits, reference }: Tensors): Tensors => {
    const p = logSoftmax(logits);
    return { loss: sum(multiply(exp(p), subtract(p, logSoftmax(reference)))) };
  };
  /** E over tokens drawn from π_old of the penalty, π_old held constant. */
  const expected =
    (estimator: KlEstimator, options: { onPolicy: boolean; ratio: boolean }) =>
    ({ logits, old, reference }: Tensors): Tensors => {
      const p = logSoftmax(logits);
      const q = stopGradient(options.onPolicy ? p : logSoftmax(old));
      const penalty = klPenaltyTensor({
        logProbs: p,
        referenceLogProbs: logSoftmax(reference),
        counted: add(multiply(q, 0), 1),
        estimator,
        ratio: options.ratio ? exp(subtract(p, q)) : null,
      });
      return { loss: sum(multiply(exp(q), penalty)) };
    };
  const gradientOf = async (build: (t: Tensors) => Tensors): Promise<number[]> =>
    (await evaluate({ inputs, build, by: ['logits'] })).gradients.logits;

  it.each([
    ['k1', false, true],
    ['k1', true, true],
    ['k3', false, true],
    ['k3', true, true],
    ['k2', true, true],
    ['k2', true, false],
  ] as const)(
    '%s (on-policy: %s, ratio: %s) has the gradient of the divergence',
    async (estimator, onPolicy, ratio) => {
      expect(await gradientGap({ inputs, build: exact, by: ['logits'] })).toBeLessThan(1e-8);
      const wanted = await gradientOf(exact);
      const found = await gradientOf(expected(estimator, { onPolicy, ratio }));
      found.forEach((value, i) => void expect(value).toBeCloseTo(wanted[i], 10));
    },
  );

  it('k3 alone has another gradient, and k1 alone is refused because it has none', async () => {
    const wanted = await gradientOf(exact);
    const found = await gradientOf(expected('k3', { onPolicy: true, ratio: false }));
    expect(Math.max(...found.map((value, i) => Math.abs(value - wanted[i])))).toBeGreaterThan(0.01);
    await expect(gradientOf(expected('k1', { onPolicy: true, ratio: false }))).rejects.toThrow(
      'k1 without the ratio has a gradient of 0 on average',
    );
  });
});

describe('klLoss', () => {
  // Two sequences of 2 and 1 tokens; the uncounted place must not matter. d: 0.5, −0.2; 0.1.
  const inputs = {
    logProbs: input([
      [-1, -1.2],
      [-0.4, 9],
    ]),
    oldLogProbs: input([
      [-1, -1.2],
      [-0.4, 9],
    ]),
    referenceLogProbs: input([
      [-1.5, -1],
      [-0.5, Number.NaN],
    ]),
    counted: input([
      [1, 1],
      [1, 0],
    ]),
  };
  const build =
    (per: 'token' | 'sequence', estimator: KlEstimator) =>
    ({ counted, logProbs, oldLogProbs, referenceLogProbs }: Tensors): Tensors => ({
      loss: reshape(
        klLoss({ tokens: gridLayout(counted), logProbs, oldLogProbs, referenceLogProbs, estimator, per }),
        [],
      ),
    });

  it('is a mean per token or per sequence, by hand', async () => {
    const run = async (per: 'token' | 'sequence', estimator: KlEstimator): Promise<number> =>
      (await evaluate({ inputs, build: build(per, estimator) })).scalars.loss;
    expect(await run('token', 'k1')).toBeCloseTo((0.5 - 0.2 + 0.1) / 3, 10);
    expect(await run('sequence', 'k1')).toBeCloseTo((0.3 + 0.1) / 2, 10);
    expect(await run('token', 'k2')).toBeCloseTo((0.5 * (0.25 + 0.04 + 0.01)) / 3, 10);
    const k3 = (d: number): number => Math.exp(-d) - 1 + d;
    expect(await run('sequence', 'k3')).toBeCloseTo((k3(0.5) + k3(-0.2) + k3(0.1)) / 2, 10);
  });

  it.each(['k1', 'k2', 'k3'] as const)('%s has the gradients of finite differences', async (estimator) => {
    expect(await gradientGap({ inputs, build: build('token', estimator), by: ['logProbs'] })).toBeLessThan(
      1e-6,
    );
    expect(await gradientGap({ inputs, build: build('sequence', estimator), by: ['logProbs'] })).toBeLessThan(
      1e-6,
    );
  });
});
