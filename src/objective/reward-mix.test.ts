import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupAdvantages, normaliseThenSumAdvantages } from './group-advantages.ts';
import { mixRewards } from './reward-mix.ts';

const none = Number.NaN;

describe('mixRewards', () => {
  it('sums by coefficients', () => {
    const values = [
      [1, 2, 3, 4],
      [10, 0, 10, 0],
    ];
    const mixed = mixRewards({
      values,
      coefficients: [2, -0.5],
      groupSize: 2,
      aggregation: 'sum_then_normalize',
    });
    // 2·1 − 5, 2·2, 2·3 − 5, 2·4
    expect([...mixed]).toEqual([-3, 4, 1, 8]);
  });

  it('puts the mean of the group, else of the batch, where an objective does not apply', () => {
    const values = [
      [0, 0, 0, 0, 0, 0],
      [2, none, 4, none, none, none],
    ];
    const mixed = mixRewards({
      values,
      coefficients: [1, 1],
      groupSize: 3,
      aggregation: 'sum_then_normalize',
    });
    // Of the first group (2 + 4) / 2 = 3; the second knows nothing, so the mean of all known, 3 too.
    expect([...mixed]).toEqual([2, 3, 4, 3, 3, 3]);
  });

  it('is NaN where no objective that counts applies', () => {
    const values = [
      [1, none, none],
      [5, 5, none],
      [7, 7, 7],
    ];
    const mixed = mixRewards({
      values,
      coefficients: [1, 1, 0],
      groupSize: 1,
      aggregation: 'sum_then_normalize',
    });
    // The first objective's mean, 1, stands in for its second value; the third counts nothing.
    expect([...mixed]).toEqual([6, 6, none]);
  });

  it('normalises each in its group first, which batch scaling then makes GDPO', () => {
    // By hand, group 1 of the first: mean 2, deviation √2 (Bessel): −0.7070568, 0.7070568 with eps 1e-4 (1 / 1.4143136).
    const values = [
      [1, 3, 5, 5],
      [100, 300, 0, 200],
    ];
    const options = { values, groupSize: 2 } as const;
    const mixed = mixRewards({ ...options, coefficients: [1, 2], aggregation: 'normalize_then_sum' });
    // 100 apart: deviation 141.42136, ±100 / 141.42146 = ±0.7071063.
    const [a, b] = [1 / (Math.SQRT2 + 1e-4), 100 / (100 * Math.SQRT2 + 1e-4)];
    expect([...mixed].map((x) => x.toFixed(6))).toEqual(
      [-a - 2 * b, a + 2 * b, -2 * b, 2 * b].map((x) => x.toFixed(6)),
    );
    const whole = normaliseThenSumAdvantages({ rewards: values, weights: [1, 2], groupSize: 2 });
    const scaled = groupAdvantages({ rewards: mixed, groupSize: 2, scale: 'batch' });
    scaled.advantages.forEach((value, i) => void expect(value).toBeCloseTo(whole.advantages[i], 6));
  });

  it('changes no order within a group by a constant, nor by an objective that applies to nothing', () => {
    const list = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(list, list, fc.integer({ min: -9, max: 9 }), (first, second, shift) => {
        const mix = (values: number[][], coefficients: number[]): number[] => [
          ...mixRewards({ values, coefficients, groupSize: 4, aggregation: 'normalize_then_sum' }),
        ];
        const plain = mix([first, second], [1, 1]);
        const moved = mix([first.map((x) => x + shift), second], [1, 1]);
        const withNone = mix([first, second, new Array(8).fill(none)], [1, 1, 5]);
        moved.forEach((x, i) => void expect(x).toBeCloseTo(plain[i], 9));
        expect(withNone).toEqual(plain);
      }),
    );
  });

  it('refuses lists that do not go together', () => {
    const mix = (values: number[][], coefficients: number[], groupSize: number): unknown =>
      mixRewards({ values, coefficients, groupSize, aggregation: 'sum_then_normalize' });
    expect(() => mix([[1], [1, 2]], [1, 1], 1)).toThrow('lengths 1, 2 with 2 coefficients');
    expect(() => mix([[1, 2, 3]], [1], 2)).toThrow('groups of 2');
    expect(() => mix([[1, 2]], [1, 1], 1)).toThrow('one coefficient per objective');
  });
});
