import { expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { fitPlatt, plattProbability } from './platt.ts';

it('finds the line that labels were drawn from', () => {
  const random = new Random(4);
  const truth = { slope: 1.7, intercept: -2.5 };
  const scores = Array.from({ length: 20000 }, () => 3 * random.normal() + 1);
  const labels = scores.map((score) => (random.uniform() < plattProbability(truth, score) ? 1 : 0));
  const found = fitPlatt(scores, labels);
  // The standard errors are about 0.04.
  expect(found.slope).toBeCloseTo(1.7, 0.7);
  expect(found.intercept).toBeCloseTo(-2.5, 0.7);
});

it('makes the gradient of the likelihood vanish', () => {
  const scores = [-2, -1, -0.5, 0.2, 0.7, 1.5, 3];
  const labels = [0, 0, 1, 0, 1, 1, 1];
  const { slope, intercept } = fitPlatt(scores, labels);
  const targets = labels.map((label) => (label ? 5 / 6 : 1 / 5)); // 4 positive, 3 negative
  const errors = scores.map((score, i) => plattProbability({ slope, intercept }, score) - targets[i]);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b);
  expect(sum(errors)).toBeCloseTo(0, 7);
  expect(sum(errors.map((error, i) => error * scores[i]))).toBeCloseTo(0, 7);
});

it('stays unsure where few examples are parted entirely, whatever the unit', () => {
  const found = fitPlatt([-1000, -900, 900, 1000], [0, 0, 1, 1]);
  // Two of each kind: the targets are 1/4 and 3/4.
  expect(plattProbability(found, 950)).toBeCloseTo(0.75, 2);
  expect(plattProbability(found, -950)).toBeCloseTo(0.25, 2);
  expect(plattProbability(fitPlatt([5, 5, 5], [1, 0, 0]), 5)).toBeCloseTo((2 / 3 + 1 / 4 + 1 / 4) / 3, 6);
});

it('needs both kinds', () => {
  expect(() => fitPlatt([1, 2], [1, 1])).toThrow(/2 positive and 0 other labels/);
});
