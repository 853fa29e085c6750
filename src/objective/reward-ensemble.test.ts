import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EnsembleRule, ensembleRewards, ensembleRules } from './reward-ensemble.ts';

// Two responses under three members: means 2 and 2, variances ((−2)² + 0 + 2²) / 3 = 8/3 and 0.
const members = [
  [0, 2],
  [2, 2],
  [4, 2],
];

describe('ensembleRewards', () => {
  const expected: Record<EnsembleRule, number> = {
    mean: 2,
    worst: 0,
    minus_variance: 2 - 0.3 * (8 / 3),
    minus_deviation: 2 - 0.3 * Math.sqrt(8 / 3),
  };
  it.each(ensembleRules)('%s, by hand', (rule) => {
    const { rewards, spreads } = ensembleRewards({ members, rule, spreadWeight: 0.3 });
    expect(rewards[0]).toBeCloseTo(expected[rule], 6);
    expect(rewards[1]).toBe(2); // where all agree, every rule says the same
    expect(spreads[0]).toBeCloseTo(Math.sqrt(8 / 3), 6);
    expect(spreads[1]).toBe(0);
  });

  it('takes no constant between members for disagreement', () => {
    // Members that differ by 10 everywhere, and say so: nothing is left to disagree on.
    const shifted = [
      [1, 2],
      [11, 12],
    ];
    const { rewards, spreads } = ensembleRewards({ members: shifted, rule: 'worst', centres: [0, 10] });
    expect([...rewards]).toEqual([6, 7]); // the common mean of 0 and 10 is 5
    expect([...spreads]).toEqual([0, 0]);
  });

  it('never rewards more for the worst than for the mean, nor for a mean less a spread', () => {
    const row = fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 5 }), (scores) => {
        const by = (rule: EnsembleRule): Float32Array => ensembleRewards({ members: scores, rule }).rewards;
        const mean = by('mean');
        for (const rule of ensembleRules)
          by(rule).forEach((x, i) => void expect(x).toBeLessThanOrEqual(mean[i] + 1e-5));
      }),
    );
  });

  it('refuses members of different lengths and a negative weight', () => {
    expect(() => ensembleRewards({ members: [[1], [1, 2]] })).toThrow('members of lengths 1, 2');
    expect(() => ensembleRewards({ members, centres: [1] })).toThrow('with 1 centres');
    expect(() => ensembleRewards({ members, spreadWeight: -1 })).toThrow('spreadWeight is -1');
  });
});
