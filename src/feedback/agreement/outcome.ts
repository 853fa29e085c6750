/** What rankings say of pairs of responses, and how far they say the same. Shape: K = number of responses. */
import { meanOf } from '../../base/index.ts';

type Ranks = readonly (number | null)[];

/** 0 first better, 1 level, 2 second better, null not judged. */
export function outcomeOf(ranks: Ranks, i: number, j: number): number | null {
  const [a, b] = [ranks[i], ranks[j]];
  return a === null || b === null ? null : Math.sign(a - b) + 1;
}

/**
 * Mean over every two rankings and every pair of responses that both have judged: 1 where they say the same, ½ for a tie
 * against a decision, 0 where they contradict each other; null where no two have judged the same pair.
 * @param rankings each [K]
 */
export function agreementAmong(rankings: readonly Ranks[]): number | null {
  const agreements: number[] = [];
  for (const [a, first] of rankings.entries()) {
    for (const second of rankings.slice(a + 1)) {
      for (let i = 0; i < first.length; i++) {
        for (let j = i + 1; j < first.length; j++) {
          const [x, y] = [outcomeOf(first, i, j), outcomeOf(second, i, j)];
          if (x !== null && y !== null) agreements.push(1 - Math.abs(x - y) / 2);
        }
      }
    }
  }
  return agreements.length === 0 ? null : meanOf(agreements);
}
