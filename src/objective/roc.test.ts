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

it('is not certain because few were told apart without a mistake', () => {
  // One of each: 1 − A = z √(A (1 − A)), so A = 1 / (1 + z²), as in Wilson's interval for one of one.
  expect(areaUnderRoc([1], [0])).toMatchObject({ estimate: 1, high: 1 });
  expect(areaUnderRoc([1], [0]).low).toBeCloseTo(1 / (1 + 1.959964 ** 2), 6);
  expect(areaUnderRoc([0], [1])).toMatchObject({ estimate: 0, low: 0 });
  expect(areaUnderRoc([0], [1]).high).toBeCloseTo(1 - 1 / (1 + 1.959964 ** 2), 6);
  // However the parts of the curve add up.
  const many = Array.from({ length: 49 }, (_, i) => i);
  expect(areaUnderRoc([100, 200], many)).toMatchObject({ estimate: 1, high: 1 });
  expect(areaUnderRoc([100, 200], many).low).toBeLessThan(0.9);
  // Of 20 and 5 the standard error at the lower end is as wide as its distance from 1.
  const { low } = areaUnderRoc(new Array<number>(20).fill(1), new Array<number>(5).fill(0));
  const [q1, q2] = [low / (2 - low), (2 * low ** 2) / (1 + low)];
  const variance = (low * (1 - low) + 19 * (q1 - low ** 2) + 4 * (q2 - low ** 2)) / 100;
  expect(1 - low).toBeCloseTo(1.959964 * Math.sqrt(variance), 6);
});
