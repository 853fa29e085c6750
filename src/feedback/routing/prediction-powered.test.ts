import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { studentInterval } from '../../objective/index.ts';
import { predictionPoweredMean } from './prediction-powered.ts';

/** Labels of which a part is predicted: y = truth + own noise, f = truth + the judge's noise and leaning. */
function draw(count: number, random: Random, noise: { readonly own: number; readonly judge: number }) {
  return Array.from({ length: count }, () => {
    const truth = random.normal();
    return {
      label: 1 + truth + noise.own * random.normal(),
      prediction: 3 + 0.5 * truth + noise.judge * random.normal(),
    };
  });
}

describe('prediction-powered means', () => {
  it('follow the formula, by hand', () => {
    const labelled = [
      { label: 1, prediction: 2 },
      { label: 3, prediction: 3 },
      { label: 2, prediction: 4 },
    ];
    const unlabelled = [1, 2, 3, 6];
    // cov(y, f) = 1/2 · (−1·−1 + 1·0 + 0·1) = 0.5; all f: 2 3 4 1 2 3 6, mean 3, squares 1 0 1 4 1 0 9, variance 16/6.
    const trust = 0.5 / ((16 / 6) * (1 + 3 / 4));
    const rests = [1 - 2 * trust, 3 - 3 * trust, 2 - 4 * trust];
    const rest = studentInterval(rests).estimate;
    const { estimate, trust: found, low, high } = predictionPoweredMean(labelled, unlabelled);
    expect(found).toBeCloseTo(trust, 12);
    expect(estimate).toBeCloseTo(trust * 3 + rest, 12);
    // var(unlabelled) = (4 + 1 + 0 + 9) / 3; Student's quantile with 2 degrees 4.302653.
    const variance = (trust ** 2 * (14 / 3)) / 4 + rests.reduce((sum, r) => sum + (r - rest) ** 2, 0) / 2 / 3;
    expect((high - low) / 2).toBeCloseTo(4.302652729749464 * Math.sqrt(variance), 8);
  });

  it('are the mean of people’s labels where predictions say nothing', () => {
    const labelled = [1, 4, 2, 5].map((label) => ({ label, prediction: 7 }));
    const { trust, classical, ...interval } = predictionPoweredMean(labelled, [7, 7, 7]);
    expect(trust).toBe(0);
    expect(interval).toEqual(classical);
    const expected = studentInterval([1, 4, 2, 5]);
    for (const key of ['estimate', 'low', 'high'] as const) {
      expect(classical[key]).toBeCloseTo(expected[key], 12);
    }
    expect(predictionPoweredMean(labelled, []).classical).toEqual(classical);
    expect(() => predictionPoweredMean(labelled.slice(1, 2), [1, 2])).toThrow('at least 2');
  });

  // By theory √(1 − ρ² / (1 + n/N)) of the width: ρ² = 0.25 / (1.04 · 0.26) gives 0.43, 0.25 / (1.25 · 0.5) gives 0.80.
  it.each([
    ['good', { own: 0.2, judge: 0.1 }, 0.5],
    ['middling', { own: 0.5, judge: 0.5 }, 0.88],
    ['useless', { own: 0.5, judge: 50 }, 1.02],
  ])('cover the truth with a %s judge, and are as narrow as it is good', (_, noise, widest) => {
    const repeats = 400;
    let [covered, width, classicalWidth] = [0, 0, 0];
    for (let i = 0; i < repeats; i++) {
      const random = new Random(i);
      const labelled = draw(40, random, noise);
      const unlabelled = draw(300, random, noise).map(({ prediction }) => prediction);
      const { low, high, classical } = predictionPoweredMean(labelled, unlabelled);
      if (low <= 1 && 1 <= high) covered++;
      width += high - low;
      classicalWidth += classical.high - classical.low;
    }
    // 95 %, less what choosing λ from the same 40 labels costs, within three deviations of 400 trials, 0.033.
    expect(covered / repeats).toBeGreaterThan(0.91);
    expect(covered / repeats).toBeLessThan(0.98);
    expect(width / classicalWidth).toBeLessThan(widest);
  });
});
