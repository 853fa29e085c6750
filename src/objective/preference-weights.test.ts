import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { fitPreferenceWeights } from './preference-weights.ts';

const logit = (p: number): number => Math.log(p / (1 - p));

describe('fitPreferenceWeights', () => {
  it('of one objective is the log-odds, with its standard error', () => {
    // 100 pairs in which the first is 1 better; it wins 80: w = ln 4, error 1 / √(100 · 0.8 · 0.2) = 0.25.
    const differences = Array.from({ length: 100 }, () => [1]);
    const targets = Array.from({ length: 100 }, (_, i) => (i < 80 ? 1 : 0));
    const fit = fitPreferenceWeights({ differences, targets, ridge: 0 });
    expect(fit.weights[0]).toBeCloseTo(logit(0.8), 9);
    expect(fit.standardErrors[0]).toBeCloseTo(0.25, 9);
    expect(fit.accuracy).toBe(0.8);
    expect(fit.logLoss).toBeCloseTo(-0.8 * Math.log(0.8) - 0.2 * Math.log(0.2), 9);
  });

  it('counts ties and soft labels as what they are', () => {
    // Half of the pairs tied, half certain: the mean target is 0.75.
    const differences = Array.from({ length: 8 }, () => [2]);
    const fit = fitPreferenceWeights({ differences, targets: [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5], ridge: 0 });
    expect(fit.weights[0]).toBeCloseTo(logit(0.75) / 2, 9);
  });

  it('finds the weights that made the judgements, whatever the units', () => {
    const random = new Random(5);
    const truth = [1.5, 0, 0.02];
    const differences = Array.from({ length: 4000 }, () => [
      random.normal(),
      random.normal(),
      50 * random.normal(),
    ]);
    const targets = differences.map((row) => {
      const z = row.reduce((sum, x, k) => sum + x * truth[k], 0);
      return random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    });
    const { weights, standardErrors } = fitPreferenceWeights({ differences, targets });
    truth.forEach((value, k) => {
      expect(Math.abs(weights[k] - value)).toBeLessThan(4 * (standardErrors[k] as number));
    });
    expect(standardErrors[2]).toBeLessThan((standardErrors[0] as number) / 20);
  });

  it('has a slope of 0 where it ends, by finite differences', () => {
    const differences = [
      [1, 2],
      [-1, 0.5],
      [0.3, -2],
      [2, 1],
      [-0.5, -1],
    ];
    const targets = [1, 0, 1, 1, 0.5];
    const ridge = 0.01;
    const { weights } = fitPreferenceWeights({ differences, targets, ridge });
    const scale = [0, 1].map((k) => Math.sqrt(differences.reduce((sum, row) => sum + row[k] ** 2, 0) / 5));
    const loss = (w: readonly number[]): number =>
      differences.reduce((sum, row, i) => {
        const z = row[0] * w[0] + row[1] * w[1];
        return sum + Math.log1p(Math.exp(z)) - targets[i] * z;
      }, 0) +
      (ridge / 2) * ((w[0] * scale[0]) ** 2 + (w[1] * scale[1]) ** 2);
    for (const k of [0, 1]) {
      const at = (h: number): number => loss(weights.map((w, l) => (l === k ? w + h : w)));
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(0, 6);
    }
  });

  it('holds a weight at 0 where it would be negative, and gives it no error', () => {
    // The second objective speaks against the winner; alone, the first is 3 of 4: ln 3.
    const differences = [
      [1, -1],
      [1, -1],
      [1, -1],
      [1, 1],
    ];
    const targets = [1, 1, 1, 0];
    const { weights, standardErrors } = fitPreferenceWeights({
      differences,
      targets,
      nonNegative: true,
      ridge: 0,
    });
    expect(weights[0]).toBeCloseTo(Math.log(3), 9);
    expect(weights[1]).toBe(0);
    expect(standardErrors[1]).toBeNull();
    expect(fitPreferenceWeights({ differences, targets }).weights[1]).toBeLessThan(0);
  });

  it('trusts pairs of one ranking less than as many of their own', () => {
    const differences = Array.from({ length: 60 }, (_, i) => [i % 2 ? 1 : 0.5]);
    const targets = Array.from({ length: 60 }, (_, i) => (Math.floor(i / 6) % 3 ? 1 : 0));
    const clusters = Array.from({ length: 60 }, (_, i) => Math.floor(i / 6));
    const alone = fitPreferenceWeights({ differences, targets });
    const together = fitPreferenceWeights({ differences, targets, clusters });
    expect(together.weights).toEqual(alone.weights);
    expect(together.standardErrors[0]).toBeGreaterThan(2 * (alone.standardErrors[0] as number));
  });

  it('stays finite where an objective decides every pair', () => {
    const { weights, accuracy } = fitPreferenceWeights({ differences: [[1], [2], [1]], targets: [1, 1, 1] });
    expect(accuracy).toBe(1);
    expect(weights[0]).toBeGreaterThan(1);
    expect(weights[0]).toBeLessThan(20);
  });

  it('says which objective cannot be weighed', () => {
    const weigh = (differences: number[][]): unknown =>
      fitPreferenceWeights({ differences, targets: differences.map(() => 1), names: ['helpful', 'polite'] });
    expect(() =>
      weigh([
        [1, 0],
        [2, Number.NaN],
      ]),
    ).toThrow(/both responses have the same polite/);
    expect(() => weigh([])).toThrow(/cannot be fitted to 0 pairs|0 objectives/);
  });
});
