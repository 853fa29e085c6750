import { expect, it } from 'vitest';
import { Random } from '../base/random.ts';
import { fillNormal } from './fill-normal.ts';

const n = 2_000_000;
const draws = new Float32Array(n);
fillNormal(draws, 1, new Random(7));
const moment = (k: number): number => draws.reduce((sum, x) => sum + x ** k, 0) / n;

// Moments of the standard normal: 0, 1, 0, 3; the bounds are five standard errors √(Var(x^k) / n), with
// Var(x) = 1, Var(x²) = 2, Var(x³) = 15, Var(x⁴) = 96.
it.each([
  [1, 0, 1],
  [2, 1, 2],
  [3, 0, 15],
  [4, 3, 96],
])('moment %i', (k, expected, variance) => {
  expect(Math.abs(moment(k) - expected)).toBeLessThan(5 * Math.sqrt(variance / n));
});

// P(X < x) of the standard normal from tables, tail included (the ziggurat switches method at 3.4426).
it.each([
  [-4, 3.167e-5],
  [-3.4426, 2.881e-4],
  [-2, 0.02275],
  [-1, 0.158655],
  [-0.1, 0.460172],
  [0.5, 0.691462],
  [1.5, 0.933193],
  [3, 0.99865],
  [3.8, 0.99992765],
])('share below %f', (x, expected) => {
  const below = draws.reduce((count, draw) => count + (draw < x ? 1 : 0), 0) / n;
  expect(Math.abs(below - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / n));
});

it('neighbours are uncorrelated, and the scale is the standard deviation', () => {
  let product = 0;
  for (let i = 1; i < n; i++) product += draws[i] * draws[i - 1];
  expect(Math.abs(product / n)).toBeLessThan(5 / Math.sqrt(n));
  const scaled = new Float32Array(3);
  fillNormal(scaled, 0.5, new Random(7));
  expect([...scaled]).toEqual([...draws.subarray(0, 3)].map((x) => x / 2));
});
