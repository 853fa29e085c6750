import { describe, expect, it } from 'vitest';
import { leastCorrelation, momentsOf, pool, separation, slopeOf } from './statistics.ts';

describe('moments', () => {
  it('are those of the values that are known', () => {
    // 2, 4, 6: mean 4, deviation √(8 / 2) = 2, error 2 / √3
    const moments = momentsOf([2, Number.NaN, 4, 6]);
    expect(moments?.mean).toBe(4);
    expect(moments?.deviation).toBeCloseTo(2, 12);
    expect(moments?.error).toBeCloseTo(2 / Math.sqrt(3), 12);
    expect(momentsOf([Number.NaN])).toBeNull();
  });

  it('take equal answers to one prompt as one draw', () => {
    // Two prompts, answered twice alike: as uncertain as two values 1 and 3, error √2 / √2 = 1.
    expect(momentsOf([1, 1, 3, 3], ['a', 'a', 'b', 'b'])?.error).toBeCloseTo(1, 12);
  });

  it('of one prompt alone are as uncertain as its answers differ', () => {
    // 1 and 3: deviation √2, and a single draw
    expect(momentsOf([1, 3], ['a', 'a'])?.error).toBeCloseTo(Math.SQRT2, 12);
    expect(momentsOf([5])?.error).toBe(0);
  });

  it('are the same pooled as at once', () => {
    const [a, b] = [
      [1, 5, 2],
      [7, 8, 1, 4],
    ];
    const pooled = pool([momentsOf(a), null, momentsOf(b)]);
    const whole = momentsOf([...a, ...b]);
    expect(pooled?.count).toBe(7);
    expect(pooled?.mean).toBeCloseTo(whole?.mean ?? 0, 12);
    expect(pooled?.deviation).toBeCloseTo(whole?.deviation ?? 0, 12);
  });
});

describe('separation', () => {
  it('is the difference in standard errors', () => {
    const moments = { count: 100, mean: 1, deviation: 3, error: 0.3 };
    // (2.5 − 1) / √(0.3² + 0.4²) = 3
    expect(separation(moments, { ...moments, mean: 2.5, error: 0.4 })).toBeCloseTo(3, 12);
  });

  it('needs more than one response to believe in a phrase that was never used', () => {
    const never = { count: 100, mean: 0, deviation: 0, error: 0 };
    const once = momentsOf([1, ...new Array(99).fill(0)]);
    expect(separation(never, once as NonNullable<typeof once>)).toBeLessThan(1);
  });
});

it('the least correlation follows Fisher', () => {
  // atanh 0.5 = 0.549306; − 1.96 / √100 = 0.353306; tanh = 0.3393
  expect(leastCorrelation(0.5, 103)).toBeCloseTo(0.3393, 4);
  expect(leastCorrelation(-0.5, 103)).toBeCloseTo(0.3393, 4);
  expect(leastCorrelation(0.1, 20)).toBe(0);
});

it('a slope comes with its error', () => {
  // x = 0, 1, 2 with error 1 and y on a line: Sxx = 2, error 1 / √2
  const line = slopeOf([0, 1, 2].map((x) => ({ x, y: 3 - 2 * x, error: 1 })));
  expect(line?.slope).toBeCloseTo(-2, 12);
  expect(line?.error).toBeCloseTo(Math.SQRT1_2, 12);
  expect(slopeOf([{ x: 0, y: 1, error: 1 }])).toBeNull();
});
