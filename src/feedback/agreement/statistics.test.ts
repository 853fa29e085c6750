import { describe, expect, it } from 'vitest';
import { cohenKappa, fleissKappa } from './kappa.ts';
import { kendallTauB, kendallW } from './kendall.ts';
import { alphaOf, bootstrapOfSums, coincidencesOf, krippendorffAlpha } from './krippendorff.ts';

/** Rows of judges as in the papers, `.` = missing, as units. */
function unitsOf(...judges: readonly string[]): (number | null)[][] {
  const rows = judges.map((row) => row.split(' ').map((value) => (value === '.' ? null : Number(value))));
  return rows[0].map((_, unit) => rows.map((row) => row[unit]));
}

describe("Krippendorff's alpha", () => {
  // Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C and its continuation.
  const four = unitsOf(
    '1 2 3 3 2 1 4 1 2 . . .',
    '1 2 3 3 2 2 4 1 2 5 . 3',
    '. 3 3 3 2 3 4 2 2 5 1 .',
    '1 2 3 3 2 4 4 1 2 5 1 .',
  );

  it('is what Krippendorff 2011 works out for four observers with missing values', () => {
    expect(krippendorffAlpha(four, 'nominal')).toBeCloseTo(0.743, 3);
    expect(krippendorffAlpha(four, 'ordinal')).toBeCloseTo(0.815, 3);
  });

  it('is 0.691 for the three coders with 15 units that reference implementations are checked with', () => {
    const three = unitsOf(
      '. . . . . 3 4 1 2 1 1 3 3 . 3',
      '1 . 2 1 3 3 4 3 . . . . . . .',
      '. . 2 1 3 4 4 . 2 1 1 3 3 . 4',
    );
    expect(krippendorffAlpha(three, 'nominal')).toBeCloseTo(0.691, 3);
    expect(krippendorffAlpha(three, 'ordinal')).toBeCloseTo(0.807, 3); // krippendorff 0.6 of PyPI
  });

  it('is what Krippendorff 2011 works out for two observers of binary data', () => {
    // Example A: 10 units, alpha = 0.095.
    const two = unitsOf('0 1 0 0 0 0 0 0 1 0', '1 1 1 0 0 1 0 0 0 0');
    expect(krippendorffAlpha(two, 'nominal')).toBeCloseTo(0.095, 3);
    // Two values have one distance, whatever the level.
    expect(krippendorffAlpha(two, 'ordinal')).toBeCloseTo(0.095, 3);
  });

  it('is unknown where there is nothing to agree about', () => {
    expect(krippendorffAlpha([[1, null], [2]], 'nominal')).toBeNull();
    expect(krippendorffAlpha([[1, 1]], 'ordinal')).toBeNull();
  });

  it('has a bootstrap interval of all its items, the same for the same seed', () => {
    const values = [1, 2, 3, 4, 5];
    const items = four.map((unit) => coincidencesOf([unit], values));
    const alpha = (sums: Float64Array) => alphaOf(sums, 'nominal');
    const interval = bootstrapOfSums(items, alpha, { seed: 1 })!;
    expect(interval.estimate).toBeCloseTo(0.743, 3);
    expect(interval.low).toBeLessThan(0.65);
    expect(interval.low).toBeGreaterThan(0.2);
    expect(interval.high).toBeGreaterThan(0.85);
    expect(interval.high).toBeLessThanOrEqual(1);
    expect(bootstrapOfSums(items, alpha, { seed: 1 })).toEqual(interval);
    // A hundred times the items: ten times as narrow.
    const many = Array.from({ length: 100 }, () => items).flat();
    const narrow = bootstrapOfSums(many, alpha, { seed: 1, resamples: 300 })!;
    const ratio = (interval.high - interval.low) / (narrow.high - narrow.low);
    expect(ratio).toBeGreaterThan(7);
    expect(ratio).toBeLessThan(14);
  });
});

describe('kappa', () => {
  it("is Cohen's for the two psychologists of Fleiss, Levin and Paik 2003, table 18.1", () => {
    const table = [
      [75, 1, 4],
      [5, 4, 1],
      [0, 0, 10],
    ];
    // 0.89 observed, 0.8 · 0.8 + 0.1 · 0.05 + 0.1 · 0.15 = 0.66 by chance: 0.23 / 0.34.
    expect(cohenKappa(table)).toBeCloseTo(0.23 / 0.34, 12);
    expect(cohenKappa([[5]])).toBeNull();
    expect(cohenKappa([])).toBeNull();
  });

  it("is Fleiss' for 14 raters of 10 subjects (worked example of Fleiss' kappa, 0.210)", () => {
    const counts = [
      [0, 0, 0, 0, 14],
      [0, 2, 6, 4, 2],
      [0, 0, 3, 5, 6],
      [0, 3, 9, 2, 0],
      [2, 2, 8, 1, 1],
      [7, 7, 0, 0, 0],
      [3, 2, 6, 3, 0],
      [2, 5, 3, 2, 2],
      [6, 5, 2, 1, 0],
      [0, 2, 2, 3, 7],
    ];
    expect(fleissKappa(counts)).toBeCloseTo(0.21, 3);
    expect(fleissKappa([...counts, [0, 1, 0, 0, 0]])).toBe(fleissKappa(counts));
    expect(fleissKappa([[1, 0]])).toBeNull();
  });
});

describe("Kendall's coefficients", () => {
  it('tau-b is that of scipy 1.15 with ties', () => {
    // The example of scipy.stats.kendalltau.
    expect(kendallTauB([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])).toBeCloseTo(-0.47140452079103173, 12);
  });

  it('tau-b counts what both have judged', () => {
    expect(kendallTauB([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(kendallTauB([1, 2, 3], [3, 2, 1])).toBe(-1);
    expect(kendallTauB([1, null, 2, 3], [2, 1, 3, null])).toBe(1);
    expect(kendallTauB([1, 1, 1], [1, 2, 3])).toBeNull();
  });

  it('W is 0.828 for the three judges of Kendall 1970 with ties', () => {
    // Sums of ranks 5.5, 6.5, 9, 13.5, 12, 20, 23.5, 23, 25.5, 26.5 about 16.5: 591; ties 1 + 1.5 + 7 = 9.5; 591 / (742.5 − 28.5).
    const judges = [
      [1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10],
      [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
      [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
    ];
    expect(kendallW(judges)).toBeCloseTo(591 / 714, 12);
    // Ties written as equal ranks without gaps are the same ranking.
    expect(kendallW(judges.map((row) => row.map((rank) => 2 * rank)))).toBeCloseTo(591 / 714, 12);
  });

  it('W counts what all have judged', () => {
    expect(
      kendallW([
        [1, 2, 3, null],
        [1, 2, null, 3],
        [1, 2, 3, 4],
      ]),
    ).toBe(1);
    expect(
      kendallW([
        [1, 2],
        [2, 1],
      ]),
    ).toBe(0);
    expect(kendallW([[1, 2]])).toBeNull();
    expect(
      kendallW([
        [1, 1],
        [1, 1],
      ]),
    ).toBeNull();
  });
});
