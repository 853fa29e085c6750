import { describe, expect, it } from 'vitest';
import { gatherElements, logSoftmax, mean, reshape, type Tensor } from '../tensor/index.ts';
import { type CrossEntropyOptions, crossEntropyLoss } from './cross-entropy.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

describe('crossEntropyLoss', () => {
  const inputs = {
    logProbs: input([
      [Math.log(0.5), Math.log(0.25), Number.NaN],
      [Math.log(0.1), -9, -9],
    ]),
    counted: input([
      [1, 1, 0],
      [1, 0, 0],
    ]),
    isArgmax: input([
      [1, 0, 1],
      [0, 1, 1],
    ]),
  };
  const build =
    (settings: Partial<CrossEntropyOptions> = {}) =>
    (tensors: Record<string, Tensor>): Record<string, Tensor> => {
      const { loss, metrics } = crossEntropyLoss({
        ...(tensors as never as CrossEntropyOptions),
        ...settings,
      });
      return { loss, ...(metrics as Record<string, Tensor>) };
    };

  it('averages over counted tokens, not over sequences, by hand', async () => {
    const { scalars } = await evaluate({ inputs, build: build() });
    expect(scalars.loss).toBeCloseTo((Math.log(2) + Math.log(4) + Math.log(10)) / 3, 9);
    expect(scalars.meanTokenAccuracy).toBeCloseTo(1 / 3, 9);
  });

  it('adds up over micro-batches of unequal length', async () => {
    const part = async (logProbs: number[], counted: number[]): Promise<number> =>
      (
        await evaluate({
          inputs: { logProbs: input([logProbs]), counted: input([counted]), normaliser: input(3) },
          build: build(),
        })
      ).scalars.loss;
    const first = await part([Math.log(0.5), Math.log(0.25)], [1, 1]);
    const second = await part([Math.log(0.1), -9], [1, 0]);
    expect(first + second).toBeCloseTo((await evaluate({ inputs, build: build() })).scalars.loss, 9);
  });

  it('dft weighs a token by its own probability, which is held constant', async () => {
    const { scalars, gradients } = await evaluate({
      inputs,
      build: build({ variant: 'dft' }),
      by: ['logProbs'],
    });
    const expected = (0.5 * Math.log(2) + 0.25 * Math.log(4) + 0.1 * Math.log(10)) / 3;
    expect(scalars.loss).toBeCloseTo(expected, 9);
    expect(scalars.crossEntropy).toBeCloseTo((Math.log(2) + Math.log(4) + Math.log(10)) / 3, 9);
    [-0.5 / 3, -0.25 / 3, 0, -0.1 / 3].forEach((slope, i) => {
      expect(gradients.logProbs[i]).toBeCloseTo(slope, 9);
    });
  });

  // TRL's own test: on uniform two-way logits dft is half of the cross-entropy.
  it('dft is half of nll where every token has probability ½', async () => {
    const uniform = { logProbs: input([-Math.LN2, -Math.LN2]), counted: input([1, 1]) };
    const nll = await evaluate({ inputs: uniform, build: build() });
    const dft = await evaluate({ inputs: uniform, build: build({ variant: 'dft' }) });
    expect(dft.scalars.loss).toBeCloseTo(nll.scalars.loss / 2, 9);
  });

  it('label smoothing is cross-entropy against the smoothed target, by hand', async () => {
    // Logits 0, 0, log 2 of three tokens: p = ¼, ¼, ½. Target the last with ε = 0.3: 0.1, 0.1, 0.8.
    const { scalars } = await evaluate({
      inputs: { logits: input([[0, 0, Math.log(2)]]), target: input([[2]], 'int64'), counted: input([1]) },
      build: ({ logits, target, counted }) => {
        const all = logSoftmax(logits);
        const { loss } = crossEntropyLoss({
          logProbs: reshape(gatherElements(all, target, 1), [1]),
          vocabularyLogProbs: mean(all, { axes: [-1] }),
          counted,
          labelSmoothing: 0.3,
        });
        return { loss };
      },
    });
    expect(scalars.loss).toBeCloseTo(0.1 * Math.log(4) + 0.1 * Math.log(4) + 0.8 * Math.log(2), 9);
  });

  it('has the gradients of finite differences, none at uncounted tokens', async () => {
    const clean = {
      ...inputs,
      logProbs: input([
        [-0.5, -1.5, -2],
        [-0.1, -3, -1],
      ]),
    };
    expect(await gradientGap({ inputs: clean, build: build(), by: ['logProbs'] })).toBeLessThan(1e-6);
    const { gradients } = await evaluate({ inputs, build: build(), by: ['logProbs'] });
    expect(gradients.logProbs[2]).toBe(0);
  });

  it('refuses label smoothing it cannot do', () => {
    const none = {} as CrossEntropyOptions;
    expect(() => crossEntropyLoss({ ...none, labelSmoothing: 1 })).toThrow(/must lie in \[0, 1\)/);
    expect(() => crossEntropyLoss({ ...none, labelSmoothing: 0.1 })).toThrow(/needs vocabularyLogProbs/);
  });
});
