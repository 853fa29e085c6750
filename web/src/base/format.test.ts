import { expect, it } from 'vitest';
import { durationOf } from './format.ts';

it.each([
  [0, '0 s'],
  [59_499, '59 s'],
  [59_500, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [3_599_600, '1 h 0 min'],
  // 1:59:45 is nearly two hours, and never an hour of sixty minutes.
  [7_185_000, '2 h 0 min'],
])('%i ms are %s', (ms, text) => {
  expect(durationOf(ms)).toBe(text);
});
