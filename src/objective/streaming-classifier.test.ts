import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensor/index.ts';
import { blendAt, type StreamingClassifierOptions, streamingClassifierLoss } from './streaming-classifier.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

const build = (tensors: Record<string, Tensor>): Record<string, Tensor> => {
  const { loss, metrics } = streamingClassifierLoss(tensors as never as StreamingClassifierOptions);
  return { loss, ...metrics };
};

/** −log σ(z) and −log σ(−z), by their plain definitions. */
const ifHarmful = (z: number): number => Math.log(1 + Math.exp(-z));
const ifHarmless = (z: number): number => Math.log(1 + Math.exp(z));

/** A harmful text of three tokens behind one that does not count, a harmless one of two, and one without any. */
const inputs = (blend: number) => ({
  logits: input([
    [9, -1, 2, 0.5],
    [1, -3, 7, 7],
    [5, 5, 5, 5],
  ]),
  counted: input([
    [0, 1, 1, 1],
    [1, 1, 0, 0],
    [0, 0, 0, 0],
  ]),
  labels: input([1, 0, 1]),
  weights: input([1, 3, 100]),
  blend: input(blend),
});

describe('streamingClassifierLoss', () => {
  it('judges every token by itself at blend 0, by hand', async () => {
    const { scalars } = await evaluate({ inputs: inputs(0), build });
    const harmful = (ifHarmful(-1) + ifHarmful(2) + ifHarmful(0.5)) / 3;
    const harmless = (ifHarmless(1) + ifHarmless(-3)) / 2;
    expect(scalars.loss).toBeCloseTo((harmful + 3 * harmless) / 4, 10);
    // The largest scores are 2 (harmful: right) and 1 (harmless: wrong).
    expect(scalars).toMatchObject({ correct: 1, tracks: 2 });
  });

  it('judges the largest score so far at blend 1, by hand', async () => {
    const { scalars } = await evaluate({ inputs: inputs(1), build });
    const harmful = (ifHarmful(-1) + ifHarmful(2) + ifHarmful(2)) / 3;
    const harmless = (ifHarmless(1) + ifHarmless(1)) / 2;
    expect(scalars.loss).toBeCloseTo((harmful + 3 * harmless) / 4, 10);
  });

  it('lies on the straight line between both', async () => {
    const lossAt = async (blend: number): Promise<number> =>
      (await evaluate({ inputs: inputs(blend), build })).scalars.loss;
    expect(await lossAt(0.3)).toBeCloseTo(0.7 * (await lossAt(0)) + 0.3 * (await lossAt(1)), 10);
  });

  it('adds up over micro-batches under a common normaliser', async () => {
    const whole = await evaluate({ inputs: inputs(0.5), build });
    const row = (values: readonly number[][], i: number) => input([values[i]]);
    const logits = [
      [9, -1, 2, 0.5],
      [1, -3, 7, 7],
    ];
    const counted = [
      [0, 1, 1, 1],
      [1, 1, 0, 0],
    ];
    let sum = 0;
    for (const i of [0, 1]) {
      const part = await evaluate({
        inputs: {
          ...{ logits: row(logits, i), counted: row(counted, i), blend: input(0.5) },
          ...{ labels: input([1 - i]), weights: input([1 + 2 * i]), normaliser: input(4) },
        },
        build,
      });
      sum += part.scalars.loss;
    }
    expect(sum).toBeCloseTo(whole.scalars.loss, 10);
  });

  it.each([0, 0.4, 1])('has the gradient of finite differences at blend %d', async (blend) => {
    expect(await gradientGap({ inputs: inputs(blend), build, by: ['logits'] })).toBeLessThan(1e-6);
  });

  it('is not moved by what does not count, even where that is not a number', async () => {
    const clean = await evaluate({ inputs: inputs(1), build, by: ['logits'] });
    const dirty = inputs(1);
    const data = dirty.logits.data.map((value, i) => (dirty.counted.data[i] ? value : Number.NaN));
    const result = await evaluate({
      inputs: { ...dirty, logits: { ...dirty.logits, data } },
      build,
      by: ['logits'],
    });
    expect(result.scalars.loss).toBe(clean.scalars.loss);
    expect(result.gradients.logits).toEqual(clean.gradients.logits);
  });
});

describe('blendAt', () => {
  it('rises in a straight line', () => {
    const range = { from: 0.2, to: 0.6 };
    expect([0, 0.2, 0.3, 0.5, 0.6, 1].map((done) => blendAt(done, range))).toEqual(
      [0, 0, 0.25, 0.75, 1, 1].map((value) => expect.closeTo(value, 10)),
    );
    expect(blendAt(0, { from: 0, to: 0 })).toBe(1);
    expect(() => blendAt(0, { from: 0.6, to: 0.2 })).toThrow(/from 0.6 and to 0.2/);
  });
});
