/** How far a ranking is right. Shape: K = number of responses. */
import { outcomeOf } from '../agreement/outcome.ts';

/**
 * Share of the pairs that a right answer decides or calls level on which a ranking says the same; a pair that was not
 * judged is not right. Null for an answer that any ranking meets.
 */
export function shareRight(
  gold: readonly (number | null)[],
  ranks: readonly (number | null)[],
): number | null {
  let [right, pairs] = [0, 0];
  for (let i = 0; i < gold.length; i++) {
    for (let j = i + 1; j < gold.length; j++) {
      const truth = outcomeOf(gold, i, j);
      if (truth === null) continue;
      pairs++;
      const said = outcomeOf(ranks, i, j);
      if (said !== null) right += 1 - Math.abs(said - truth) / 2;
    }
  }
  return pairs === 0 ? null : right / pairs;
}
