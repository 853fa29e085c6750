import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { padSequences, planMicroBatches } from './sequences.ts';

const roundUp = (length: number): number => Math.ceil(length / 8) * 8;

describe('planMicroBatches', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 });
  const budget = fc.integer({ min: 1, max: 1000 });

  it('takes every row once', () => {
    fc.assert(
      fc.property(lengths, budget, (all, tokens) => {
        const rows = planMicroBatches(all, tokens).flat();
        expect(rows.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
      }),
    );
  });

  it('keeps the padded tokens of a group within the budget, unless one row alone exceeds it', () => {
    fc.assert(
      fc.property(lengths, budget, (all, tokens) => {
        for (const group of planMicroBatches(all, tokens)) {
          const padded = group.length * Math.max(...group.map((row) => roundUp(all[row])));
          if (group.length > 1) expect(padded).toBeLessThanOrEqual(tokens);
        }
      }),
    );
  });

  it('wastes no group: the next group’s first row would not have fitted', () => {
    fc.assert(
      fc.property(lengths, budget, (all, tokens) => {
        const groups = planMicroBatches(all, tokens);
        for (const [i, group] of groups.slice(0, -1).entries()) {
          expect((group.length + 1) * roundUp(all[groups[i][0]])).toBeGreaterThan(tokens);
        }
      }),
    );
  });

  it('puts rows of like length together, and depends on the lengths alone', () => {
    // Sorted: 40, 32, 30 | 9, 8. A third row of 40 padded tokens fits 120, a fourth does not.
    expect(planMicroBatches([8, 40, 9, 30, 32], 120)).toEqual([
      [1, 4, 3],
      [2, 0],
    ]);
    expect(planMicroBatches([5, 5, 5], 16)).toEqual([[0, 1], [2]]);
  });
});

describe('padSequences', () => {
  it('counts responses alone, and pads to multiples of 8 on the right', () => {
    const batch = padSequences([
      { prompt: [4, 5], response: [6, 0] },
      { prompt: [7], response: [8, 9, 10, 11, 12, 13, 14, 0] },
    ]);
    expect(batch.length).toBe(16);
    expect([...batch.ids]).toEqual([
      ...[4, 5, 6, 0, ...new Array(12).fill(0)],
      ...[7, 8, 9, 10, 11, 12, 13, 14, 0, ...new Array(7).fill(0)],
    ]);
    // The end token 0 counts and the padding 0 does not.
    expect([...batch.counted]).toEqual([
      ...[0, 0, 1, 1, ...new Array(12).fill(0)],
      ...[0, 1, 1, 1, 1, 1, 1, 1, 1, ...new Array(7).fill(0)],
    ]);
  });
});
