/** How often annotators are right on tasks whose answer is known. */

import { type Interval, wilsonInterval } from '../../objective/index.ts';
import type { JudgedTask } from '../agreement/judgements.ts';
import { outcomeOf } from '../agreement/outcome.ts';

export interface GoldAccuracy {
  readonly tasks: number;
  /** Mean over gold tasks of the share of pairs that are right, a tie against a decision counting ½; Wilson's interval. */
  readonly accuracy: Interval;
}

/** By annotator; those who have labelled no gold task are left out. */
export function goldAccuracy(tasks: readonly JudgedTask[]): Map<string, GoldAccuracy> {
  const scores = new Map<string, number[]>();
  for (const { gold, judgements } of tasks) {
    if (gold === null) continue;
    for (const { annotator, ranks } of judgements) {
      const score = shareRight(gold, ranks);
      if (score === null) continue;
      const own = scores.get(annotator);
      if (own) own.push(score);
      else scores.set(annotator, [score]);
    }
  }
  return new Map(
    [...scores].map(([annotator, own]) => {
      const right = own.reduce((sum, score) => sum + score, 0);
      return [annotator, { tasks: own.length, accuracy: wilsonInterval(right, own.length) }];
    }),
  );
}

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
