import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { greater, type Tensor } from '../tensor/index.ts';
import { maskedMean, maskedSum, maskedVariance, maskedWhiten } from './masked.ts';
import {
  maskedFraction,
  maskedMeanTensor,
  maskedVarianceTensor,
  maskedWhitenTensor,
} from './masked-tensor.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

// Hand arithmetic: of [1, 2, 3, 4] the mask keeps 2 and 3. Mean 2.5; variance (0.25 + 0.25) / (2 − 1) = 0.5;
// whitened ∓0.5 / √0.5 = ∓0.7071068, and with the mean kept 2.5 ∓ 0.7071068.
const values = [1, 2, 3, 4];
const counted = Uint8Array.of(0, 1, 1, 0);
const half = Math.SQRT1_2;

describe('masked statistics on arrays', () => {
  it('count only what the mask counts', () => {
    expect(maskedSum(values, counted)).toBe(5);
    expect(maskedMean(values, counted)).toBe(2.5);
    expect(maskedVariance(values, counted)).toBe(0.5);
  });

  it('whiten to mean 0, or around the old mean', () => {
    const centred = maskedWhiten(values, counted);
    const kept = maskedWhiten(values, counted, { keepMean: true });
    [0, -half, half, 0].forEach((expected, i) => void expect(centred[i]).toBeCloseTo(expected, 6));
    [0, 2.5 - half, 2.5 + half, 0].forEach((expected, i) => void expect(kept[i]).toBeCloseTo(expected, 6));
  });

  it('never read what is not counted', () => {
    const garbage = [Number.NaN, 2, 3, Number.POSITIVE_INFINITY];
    expect(maskedMean(garbage, counted)).toBe(2.5);
    expect([...maskedWhiten(garbage, counted)]).toEqual([...maskedWhiten(values, counted)]);
  });

  it('name the mask sum when too few values count', () => {
    expect(() => maskedVariance(values, Uint8Array.of(0, 1, 0, 0))).toThrow(/mask counts 1 of its values/);
    expect(() => maskedWhiten(values, Uint8Array.of(0, 0, 0, 0))).toThrow(/mask counts 0/);
    expect(() => maskedMean(values, Uint8Array.of(0, 0, 0, 0))).toThrow(/at least 1 is needed/);
    expect(() => maskedSum(values, Uint8Array.of(1))).toThrow(/4 values but a mask of 1/);
  });

  it('agree with the plain statistics of the kept values alone', () => {
    const cell = fc.tuple(fc.float({ min: -50, max: 50, noNaN: true }), fc.boolean());
    fc.assert(
      fc.property(fc.array(cell, { minLength: 2, maxLength: 40 }), (cells) => {
        const kept = cells.filter(([, keep]) => keep).map(([value]) => value);
        fc.pre(kept.length >= 2);
        const mask = Uint8Array.from(cells, ([, keep]) => Number(keep));
        const mean = kept.reduce((a, b) => a + b, 0) / kept.length;
        const variance = kept.reduce((a, b) => a + (b - mean) ** 2, 0) / (kept.length - 1);
        const all = cells.map(([value]) => value);
        expect(maskedMean(all, mask)).toBeCloseTo(mean, 8);
        expect(maskedVariance(all, mask)).toBeCloseTo(variance, 6);
      }),
    );
  });
});

describe('masked statistics in a graph', () => {
  const inputs = {
    values: input([
      [1, 2],
      [3, 4],
    ]),
    counted: input([
      [0, 1],
      [1, 0],
    ]),
  };

  it('give the same numbers as the array forms', async () => {
    const { values: outputs, scalars } = await evaluate({
      inputs,
      build: ({ values, counted }) => ({
        mean: maskedMeanTensor(values, counted),
        variance: maskedVarianceTensor(values, counted),
        centred: maskedWhitenTensor(values, counted),
        kept: maskedWhitenTensor(values, counted, { keepMean: true }),
        fraction: maskedFraction(greater(values, 2.5), counted),
      }),
    });
    expect(scalars).toMatchObject({ mean: 2.5, variance: 0.5, fraction: 0.5 });
    [0, -half, half, 0].forEach((expected, i) => void expect(outputs.centred[i]).toBeCloseTo(expected, 6));
    [0, 2.5 - half, 2.5 + half, 0].forEach(
      (expected, i) => void expect(outputs.kept[i]).toBeCloseTo(expected, 6),
    );
  });

  it('add up over micro-batches when given the whole batch’s count', async () => {
    const mean = async (rows: number[][], masks: number[][]): Promise<number> =>
      (
        await evaluate({
          inputs: { values: input(rows), counted: input(masks), total: input(5) },
          build: ({ values, counted, total }) => ({ mean: maskedMeanTensor(values, counted, total) }),
        })
      ).scalars.mean;
    const first = await mean([[1, 2, 9]], [[1, 1, 0]]);
    const second = await mean([[3, 4, 5]], [[1, 1, 1]]);
    expect(first + second).toBeCloseTo((1 + 2 + 3 + 4 + 5) / 5, 12);
  });

  it('pass gradients to counted values only, whatever stands elsewhere', async () => {
    const build = ({ values, counted }: Record<string, Tensor>): Record<string, Tensor> => ({
      loss: maskedVarianceTensor(values, counted),
    });
    const { gradients } = await evaluate({
      inputs: {
        ...inputs,
        values: input([
          [Number.NaN, 2],
          [3, Number.POSITIVE_INFINITY],
        ]),
      },
      build,
      by: ['values'],
    });
    expect(gradients.values).toEqual([0, -1, 1, 0]); // d/dx Σ(x − mean)² / 1 = 2 (x − mean)
    expect(await gradientGap({ inputs, build, by: ['values'] })).toBeLessThan(1e-6);
  });
});
