import { describe, expect, it } from 'vitest';
import { type CurvePoint, fitDataCurve } from './data-curve.ts';

/** error(n) = 0.1 + 2 / √n, exactly. */
function exactly(sizes: readonly number[], pairs = 100_000): CurvePoint[] {
  return sizes.map((comparisons) => ({
    comparisons,
    right: Math.round(pairs * (0.9 - 2 / Math.sqrt(comparisons))),
    pairs,
  }));
}

describe('fitDataCurve', () => {
  it('finds floor, scale and rate, and says what more data would bring', () => {
    const curve = fitDataCurve(exactly([50, 100, 200, 400, 800, 1600]));
    expect(curve.fit.rate).toBeCloseTo(0.5, 1);
    expect(curve.ceiling.estimate).toBeCloseTo(0.9, 2);
    expect(curve.accuracyAt(10_000).estimate).toBeCloseTo(0.88, 2); // 0.9 − 2/100
    const needed = curve.comparisonsFor(0.87);
    // 2/√n = 0.03 at n = 4,444
    expect(needed.estimate / 4444).toBeCloseTo(1, 0);
    expect(needed.low).toBeLessThan(4444);
    expect(needed.high).toBeGreaterThan(4444);
  });

  it('says that no amount of data reaches what lies beyond the ceiling', () => {
    expect(fitDataCurve(exactly([50, 100, 200, 400, 800, 1600])).comparisonsFor(0.95).estimate).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it('widens its intervals where pairs are few', () => {
    const sizes = [50, 100, 200, 400];
    const width = (pairs: number): number => {
      const { low, high } = fitDataCurve(exactly(sizes, pairs)).accuracyAt(3200);
      return high - low;
    };
    expect(width(100)).toBeGreaterThan(3 * width(10_000));
  });

  it('says that more data brings nothing where accuracy does not grow', () => {
    const flat = [100, 200, 400].map((comparisons) => ({ comparisons, right: 600, pairs: 1000 }));
    const curve = fitDataCurve(flat);
    expect(curve.accuracyAt(100_000).estimate).toBeCloseTo(0.6, 2);
    expect(curve.comparisonsFor(0.7).estimate).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses two sizes, through which every curve goes', () => {
    expect(() => fitDataCurve(exactly([100, 200]))).toThrow(/3 sizes/);
  });
});
