import { expect, it } from 'vitest';
import { correlation } from './statistics.ts';

it('correlation is 1 on a line, null where nothing varies', () => {
  expect(correlation([1, 2, 3, Number.NaN], [3, 5, 7, 0])).toBeCloseTo(1, 12);
  // Centred: (−1.5, −0.5, 0.5, 1.5) and (−0.5, 0.5, −0.5, 0.5): 1 / √(5 · 1) = 0.447
  expect(correlation([1, 2, 3, 4], [0, 1, 0, 1])).toBeCloseTo(1 / Math.sqrt(5), 12);
  expect(correlation([1, 2, 3], [4, 4, 4])).toBeNull();
});
