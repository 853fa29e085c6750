/** How reliable each annotator is, estimated from who says the same as whom, and what their labels should weigh. */
import type { JudgedTask } from '../agreement/judgements.ts';
import { outcomeOf } from '../agreement/outcome.ts';
import { dawidSkene, type Vote } from './dawid-skene.ts';

export interface Reliability {
  readonly annotator: string;
  /** Pairs of responses that the annotator has judged. */
  readonly pairs: number;
  /** Of those, how many somebody else has judged too: only they tell anything. */
  readonly shared: number;
  /** Estimated probability that a decision of the annotator is right where one response is better. */
  readonly accuracy: number;
  /** What a label of the annotator should weigh beside others; mean 1 over annotators, 0 = no better than chance. */
  readonly weight: number;
}

/**
 * Judgements that everybody is taken to have made beforehand: right in three of four decisions, with some ties. Whoever
 * has labelled little stays near it.
 */
const prior: readonly (readonly number[])[] = [
  [6, 1, 2],
  [2, 2, 2],
  [2, 1, 6],
];

/**
 * Dawid and Skene's estimate over outcomes of pairs, each counted both ways round, so that nobody's matrix prefers the
 * response that stands first in the data. Truth here is what the annotators have in common: it cannot show an error that
 * most of them make.
 *
 * Weights are log odds of being right, which is how votes about two options are best added up when judges err
 * independently (Nitzan and Paroush 1982, "Optimal decision rules in uncertain dichotomous choice situations").
 * @returns most reliable first
 */
export function estimateReliability(tasks: readonly JudgedTask[]): Reliability[] {
  const annotators = [
    ...new Set(tasks.flatMap(({ judgements }) => judgements.map(({ annotator }) => annotator))),
  ];
  const place = new Map(annotators.map((annotator, i) => [annotator, i]));
  const counts = annotators.map(() => ({ pairs: 0, shared: 0 }));
  const votes: Vote[] = [];
  let items = 0;
  for (const { judgements, lengths } of tasks) {
    for (let i = 0; i < lengths.length; i++) {
      for (let j = i + 1; j < lengths.length; j++) {
        const given = judgements.flatMap(({ annotator, ranks }) => {
          const value = outcomeOf(ranks, i, j);
          return value === null ? [] : [{ judge: place.get(annotator)!, value }];
        });
        for (const { judge } of given) {
          counts[judge].pairs++;
          if (given.length > 1) counts[judge].shared++;
        }
        if (given.length < 2) continue;
        for (const { judge, value } of given) {
          votes.push({ item: items, judge, value }, { item: items + 1, judge, value: 2 - value });
        }
        items += 2;
      }
    }
  }
  if (votes.length === 0) return [];
  const { errors } = dawidSkene(votes, { items, judges: annotators.length, classes: 3, prior });
  const accuracies = errors.map(
    ([first, , second]) => (first[0] + second[2] + (first[1] + second[1]) / 2) / 2,
  );
  const odds = accuracies.map((p) => Math.max(0, Math.log(p / (1 - p))));
  const mean = odds.reduce((sum, value) => sum + value, 0) / odds.length;
  return annotators
    .map((annotator, i) => ({
      ...{ annotator, ...counts[i], accuracy: accuracies[i] },
      // Where nobody is better than chance, nobody's labels count more than another's.
      weight: mean > 0 ? odds[i] / mean : 1,
    }))
    .sort((a, b) => b.accuracy - a.accuracy);
}

/** Weights for `labelRecords` and `mergeRankings`, by annotator. */
export function labelWeights(tasks: readonly JudgedTask[]): Map<string, number> {
  return new Map(estimateReliability(tasks).map(({ annotator, weight }) => [annotator, weight]));
}
