import { describe, expect, it } from 'vitest';
import { knownMoments } from './known-moments.ts';

const none = Number.NaN;

describe('knownMoments', () => {
  it('leaves out what is missing', () => {
    // 1 and 4: mean 2.5, deviation √(2 · 1.5²) = 2.1213
    const { count, sum, mean, deviation } = knownMoments([none, 1, none, 4]);
    expect([count, sum, mean]).toEqual([2, 5, 2.5]);
    expect(deviation).toBeCloseTo(Math.sqrt(4.5), 12);
    expect(knownMoments([9, 1, 4, 9], 1, 3)).toEqual(knownMoments([1, 4]));
    expect(knownMoments([none])).toEqual({ count: 0, sum: 0, mean: none, deviation: 0 });
  });
});
