import { expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { areaUnderRoc, rocCurve } from './roc.ts';

it('walks through the distinct scores, by hand', () => {
  const points = rocCurve([0.9, 0.8, 0.3], [0.8, 0.1]);
  expect(points.map(({ threshold }) => threshold)).toEqual([Number.POSITIVE_INFINITY, 0.9, 0.8, 0.3, 0.1]);
  expect(points.map(({ truePositive }) => truePositive)).toEqual([0, 1 / 3, 2 / 3, 1, 1]);
  expect(points.map(({ falsePositive }) => falsePositive)).toEqual([0, 0, 1 / 2, 1 / 2, 1]);
});

it('has the area of counting pairs', () => {
  const random = new Random(8);
  const draw = (count: number, shift: number): number[] =>
    Array.from({ length: count }, () => Math.round(4 * (random.normal() + shift)) / 4); // with ties
  const [positives, negatives] = [draw(60, 0.8), draw(45, 0)];
  let wins = 0;
  for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
  expect(areaUnderRoc(positives, negatives).estimate).toBeCloseTo(wins / (60 * 45), 12);
});

it('has the interval of Hanley and McNeil, by hand', () => {
  // A = 1/2, one of each: q1 = 1/3, q2 = 1/3; variance = A (1 − A) = 1/4.
  const { estimate, low, high } = areaUnderRoc([1], [1]);
  expect([estimate, low, high]).toEqual([0.5, 0, 1]);
  // 50 and 50 at A = 0.75 (three steps of the curve): q1 = 0.6, q2 = 1.125/1.75.
  const positives = Array.from({ length: 50 }, (_, i) => (i < 25 ? 3 : 1));
  const negatives = Array.from({ length: 50 }, () => 1);
  const area = areaUnderRoc(positives, negatives);
  expect(area.estimate).toBeCloseTo(0.75, 12);
  const variance = (0.75 * 0.25 + 49 * (0.6 - 0.5625) + 49 * (1.125 / 1.75 - 0.5625)) / 2500;
  expect(area.high - area.estimate).toBeCloseTo(1.959964 * Math.sqrt(variance), 6);
});
