import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginPairwise, decide, nextPair, ranksOf } from './pairwise.ts';
import { firstFree, inWords, judged, moved, noRanks, type Ranks, withRank } from './ranking.ts';

describe('a ranking in the making', () => {
  it('keeps the numbers as they are typed, ties and gaps too', () => {
    let ranks = noRanks(4);
    for (const [card, rank] of [
      [0, 3],
      [2, 1],
      [3, 1],
    ] as const)
      ranks = withRank(ranks, card, rank);
    expect(ranks).toEqual([3, null, 1, 1]);
    expect(judged(ranks)).toBe(3);
    expect(withRank(ranks, 0, null)).toEqual([null, null, 1, 1]);
    expect(withRank(ranks, 1, 9)).toEqual([3, 4, 1, 1]);
  });

  it('moves by one place and stops at both ends; from nowhere to the first free place, or the last', () => {
    expect(moved([1, 2, null], 0, -1)).toEqual([1, 2, null]);
    expect(moved([1, 2, null], 1, 1)).toEqual([1, 3, null]);
    expect(moved([1, 2, null], 2, 1)).toEqual([1, 2, 3]);
    expect(moved([1, null, null], 2, -1)).toEqual([1, null, 3]);
    expect(firstFree([1, 3, null])).toBe(2);
  });

  it('is said in words, without gaps', () => {
    expect(inWords([2, 1, 2, null], ['A', 'B', 'C', 'D'])).toBe('B 1st; A and C tied 2nd; D not ranked');
    expect(inWords([3, 1, 1], ['A', 'B', 'C'])).toBe('B and C tied 1st; A 2nd');
  });
});

describe('a ranking from pairs', () => {
  /** Weak orders of K cards by a quality for each. */
  const qualities = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 9 });

  it('is the order of whoever answers, with ties, in few questions', () => {
    fc.assert(
      fc.property(qualities, (quality) => {
        const K = quality.length;
        let state = beginPairwise(K);
        let questions = 0;
        for (let pair = nextPair(state); pair; pair = nextPair(state)) {
          const [a, b] = pair;
          state = decide(state, quality[a] === quality[b] ? null : quality[a] > quality[b] ? a : b);
          questions++;
        }
        // The slow form: 1 + how many distinct qualities are better.
        const expected: Ranks = quality.map(
          (own) => 1 + new Set(quality.filter((other) => other > own)).size,
        );
        expect(ranksOf(state, K)).toEqual(expected);
        // Binary insertion into i places takes at most ⌊log2 i⌋ + 1 questions.
        let most = 0;
        for (let i = 1; i < K; i++) most += Math.floor(Math.log2(i)) + 1;
        expect(questions).toBeLessThanOrEqual(most);
      }),
    );
  });
});
