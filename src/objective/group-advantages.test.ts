import { describe, expect, it } from 'vitest';
import {
  groupAdvantages,
  leaveOneOutAdvantages,
  normaliseThenSumAdvantages,
  weightedRewards,
} from './group-advantages.ts';
import { reinforcePlusPlusAdvantages, reinforcePlusPlusBaselineAdvantages } from './reinforce-plus-plus.ts';

function expectClose(actual: ArrayLike<number>, expected: readonly number[], digits = 5): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => void expect(actual[i]).toBeCloseTo(value, digits));
}

describe('groupAdvantages', () => {
  it('is by hand, with Bessel’s correction and 1e-4 beside the deviation', () => {
    // Group 1, 3: mean 2, deviation √2. Group 5, 5: no spread.
    const { advantages, fractionWithoutSpread } = groupAdvantages({ rewards: [1, 3, 5, 5], groupSize: 2 });
    const scaled = 1 / (Math.SQRT2 + 1e-4);
    expectClose(advantages, [-scaled, scaled, 0, 0]);
    expect(fractionWithoutSpread).toBe(0.5);
  });

  it('can leave the deviation out, or take the batch’s', () => {
    const rewards = [1, 3, 5, 5];
    expectClose(groupAdvantages({ rewards, groupSize: 2, scale: 'none' }).advantages, [-1, 1, 0, 0]);
    // Batch mean 3.5, squares 6.25 + 0.25 + 2.25 + 2.25 = 11, deviation √(11 / 3)
    const scaled = 1 / (Math.sqrt(11 / 3) + 1e-4);
    const { advantages, fractionWithoutSpread } = groupAdvantages({ rewards, groupSize: 2, scale: 'batch' });
    expectClose(advantages, [-scaled, scaled, 0, 0]);
    expect(fractionWithoutSpread).toBe(0);
  });

  it('leaves out what could not be scored', () => {
    const { advantages } = groupAdvantages({ rewards: [1, Number.NaN, 3], groupSize: 3, scale: 'none' });
    expectClose(advantages, [-1, 0, 1]);
    expectClose(groupAdvantages({ rewards: [Number.NaN, Number.NaN], groupSize: 2 }).advantages, [0, 0]);
  });

  it('refuses groups that do not come out even', () => {
    expect(() => groupAdvantages({ rewards: [1, 2, 3], groupSize: 2 })).toThrow(
      /3 rewards do not make groups of 2/,
    );
  });
});

describe('leaveOneOutAdvantages', () => {
  it('is by hand: each reward less the mean of the others', () => {
    const { advantages } = leaveOneOutAdvantages({ rewards: [1, 2, 6], groupSize: 3 });
    expectClose(advantages, [1 - 4, 2 - 3.5, 6 - 1.5]);
  });

  it('leaves out what could not be scored; a response left alone has no baseline', () => {
    const nan = Number.NaN;
    const { advantages } = leaveOneOutAdvantages({ rewards: [1, nan, 6, 4, nan, nan], groupSize: 3 });
    expectClose(advantages, [-5, 0, 5, 0, 0, 0]);
  });

  it('can be normalised over the batch', () => {
    // Raw −2, 2: deviation 2√2.
    const { advantages } = leaveOneOutAdvantages({ rewards: [1, 3], groupSize: 2, normalise: true });
    const scaled = 2 / (2 * Math.SQRT2 + 1e-4);
    expectClose(advantages, [-scaled, scaled]);
  });

  it('needs another response', () => {
    expect(() => leaveOneOutAdvantages({ rewards: [1], groupSize: 1 })).toThrow(/use at least 2/);
  });
});

describe('several rewards', () => {
  it('sum by weight, without those that do not apply', () => {
    const nan = Number.NaN;
    expectClose(
      weightedRewards(
        [
          [1, nan, nan],
          [10, 20, nan],
        ],
        [1, 0.5],
      ).slice(0, 2),
      [6, 10],
    );
    expect(weightedRewards([[nan], [nan]], [1, 1])[0]).toBeNaN();
    expect(() => weightedRewards([[1], [1, 2]], [1, 1])).toThrow(/lengths 1, 2/);
  });

  it('weigh the same after normalisation whatever their scale', () => {
    // Group 1: both rewards prefer the second response. Group 2: they disagree and cancel. Each reward is ∓1/√2
    // in its group, so the sums are −√2, √2, 0, 0 with deviation √(4 / 3).
    const rewards = [[0.01, 0.02, 0.02, 0.03].map((reward) => 100 * reward), [100, 5000, 300, 200]];
    const { advantages } = normaliseThenSumAdvantages({ rewards, weights: [1, 1], groupSize: 2 });
    const scaled = Math.SQRT2 / Math.sqrt(4 / 3);
    expectClose(advantages, [-scaled, scaled, 0, 0], 3);
  });
});

describe('REINFORCE++', () => {
  it('whitens the reward still to come over all counted tokens, by hand', () => {
    // Row 0: rewards 0, 1, 2 → 3, 3, 2; row 1: 4 → 4. Mean 3, squares 0 + 0 + 1 + 1, variance 2/3.
    const advantages = reinforcePlusPlusAdvantages({
      rewards: Float32Array.of(0, 1, 2, 4, 0, 0),
      counted: Uint8Array.of(1, 1, 1, 1, 0, 0),
      sequences: 2,
    });
    const one = 1 / Math.sqrt(2 / 3);
    expectClose(advantages, [0, 0, -one, one, 0, 0]);
  });

  it('discounts by gamma', () => {
    const whitened = (gamma: number): Float32Array =>
      reinforcePlusPlusAdvantages({
        rewards: Float32Array.of(0, 0, 8),
        counted: Uint8Array.of(1, 1, 1),
        sequences: 1,
        gamma,
      });
    // Returns 2, 4, 8: mean 14/3, squares 64/9 + 4/9 + 100/9 = 168/9, variance 84/9.
    const deviation = Math.sqrt(84 / 9);
    expectClose(
      whitened(0.5),
      [2, 4, 8].map((value) => (value - 14 / 3) / deviation),
    );
  });

  it('its baseline form takes the group’s mean off each token’s score, by hand', () => {
    // Centred −1, 1 over 2 and 1 tokens: values −1, −1, 1; mean −1/3, squares 4/9 + 4/9 + 16/9 = 24/9, variance 12/9.
    const advantages = reinforcePlusPlusBaselineAdvantages({
      scores: [1, 3],
      counted: Uint8Array.of(1, 1, 1, 0),
      groupSize: 2,
    });
    const deviation = Math.sqrt(12 / 9);
    expectClose(advantages, [(-1 + 1 / 3) / deviation, (-1 + 1 / 3) / deviation, (1 + 1 / 3) / deviation, 0]);
  });

  it('refuse arrays that do not fit', () => {
    const counted = Uint8Array.of(1, 1, 1);
    expect(() =>
      reinforcePlusPlusAdvantages({ rewards: new Float32Array(2), counted, sequences: 1 }),
    ).toThrow(/2 rewards and a mask of 3/);
    expect(() => reinforcePlusPlusBaselineAdvantages({ scores: [1], counted, groupSize: 2 })).toThrow(
      /groups of 2/,
    );
  });
});
