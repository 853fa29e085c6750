/** Do annotators say the same when they meet the same responses again? */
import { meanOf } from '../../base/index.ts';
import type { JudgedTask } from '../agreement/judgements.ts';
import { shareRight } from './share-right.ts';

export interface SelfAgreement {
  /** Items that the annotator has judged more than once, in tasks of their own. */
  readonly items: number;
  /** Mean over them of the share of pairs on which two of the labels say the same, a tie against a decision counting ½. */
  readonly agree: number;
}

/** By annotator; those who have met nothing twice are left out. */
export function selfAgreement(tasks: readonly JudgedTask[]): Map<string, SelfAgreement> {
  const byItem = new Map<string, JudgedTask[]>();
  for (const task of tasks) {
    const known = byItem.get(task.itemHash);
    if (known) known.push(task);
    else byItem.set(task.itemHash, [task]);
  }
  const shares = new Map<string, number[]>();
  for (const same of byItem.values()) {
    if (same.length < 2) continue;
    for (const [annotator, rankings] of rankingsByAnnotator(same)) {
      const found = rankings.flatMap((first, a) =>
        rankings.slice(a + 1).flatMap((second) => shareSame(first, second) ?? []),
      );
      if (found.length === 0) continue;
      shares.set(annotator, [...(shares.get(annotator) ?? []), meanOf(found)]);
    }
  }
  return new Map(
    [...shares].map(([annotator, own]) => [annotator, { items: own.length, agree: meanOf(own) }]),
  );
}

type Ranks = readonly (number | null)[];

function rankingsByAnnotator(tasks: readonly JudgedTask[]): Map<string, Ranks[]> {
  const rankings = new Map<string, Ranks[]>();
  for (const { annotator, ranks } of tasks.flatMap(({ judgements }) => judgements)) {
    rankings.set(annotator, [...(rankings.get(annotator) ?? []), ranks]);
  }
  return rankings;
}

/** Over what both have judged. */
function shareSame(first: Ranks, second: Ranks): number | null {
  const both = first.map((rank, i) => (second[i] === null ? null : rank));
  return shareRight(both, second);
}
