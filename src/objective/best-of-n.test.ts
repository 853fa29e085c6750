import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { bestOfNExpectations, bestOfNKlBound, rejectionKlBound } from './best-of-n.ts';

describe('bestOfNKlBound', () => {
  it('is the divergence of the maximum of N uniform numbers from one', () => {
    // The density of the maximum is n x^(n−1); KL = ∫ n x^(n−1) log(n x^(n−1)) dx, here by the midpoint rule.
    for (const n of [1, 2, 4, 16]) {
      let integral = 0;
      const steps = 200_000;
      for (let i = 0; i < steps; i++) {
        const density = n * ((i + 0.5) / steps) ** (n - 1);
        integral += (density * Math.log(density)) / steps;
      }
      expect(bestOfNKlBound(n)).toBeCloseTo(integral, 5);
    }
  });

  it('refuses what is no number of samples', () => {
    expect(() => bestOfNKlBound(0)).toThrow('n is 0');
    expect(() => bestOfNKlBound(1.5)).toThrow('n is 1.5');
  });
});

describe('rejectionKlBound', () => {
  it('is the divergence of a uniform choice among the best share', () => {
    expect(rejectionKlBound(0.25)).toBeCloseTo(Math.log(4), 12);
    expect(rejectionKlBound(1)).toBe(0);
    expect(() => rejectionKlBound(0)).toThrow('share is 0');
  });
});

describe('bestOfNExpectations', () => {
  it('is the mean over all subsets', () => {
    const random = new Random(3);
    const scores = Array.from({ length: 7 }, () => random.normal());
    const values = Array.from({ length: 7 }, () => random.normal());
    for (const measured of [scores, values]) {
      const found = bestOfNExpectations(scores, measured);
      for (let n = 1; n <= 7; n++) {
        let sum = 0;
        let count = 0;
        for (let subset = 0; subset < 2 ** 7; subset++) {
          const members = scores.flatMap((_, i) => (subset & (1 << i) ? [i] : []));
          if (members.length !== n) continue;
          sum += measured[members.reduce((a, b) => (scores[b] > scores[a] ? b : a))];
          count++;
        }
        expect(found[n - 1]).toBeCloseTo(sum / count, 10);
      }
    }
  });

  it('is the mean for one and the value of the best for all', () => {
    expect([...bestOfNExpectations([1, 5, 3])].map((x) => Number(x.toFixed(9)))).toEqual(
      [3, 13 / 3, 5].map((x) => Number(x.toFixed(9))),
    );
    expect(bestOfNExpectations([1, 5, 3], [10, 20, 60])[2]).toBe(20);
    // Two responses share the best score; either may be taken.
    expect(bestOfNExpectations([1, 5, 5], [10, 20, 60])[2]).toBe(40);
    expect(() => bestOfNExpectations([])).toThrow('0 scores');
  });
});
