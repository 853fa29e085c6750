/** How often annotators are right on tasks whose answer is known. */

import { type Interval, wilsonInterval } from '../../objective/index.ts';
import type { JudgedTask } from '../agreement/judgements.ts';
import { shareRight } from './share-right.ts';

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
