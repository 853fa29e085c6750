/** Judged tasks for tests. */
import type { JudgedTask, Judgement } from '../agreement/judgements.ts';

type Ranks = readonly (number | null)[];

/** A task from rankings by annotator, or with more said of a label. */
export function judgedTask(
  id: string,
  labels: Readonly<Record<string, Ranks | (Partial<Judgement> & { readonly ranks: Ranks })>>,
  rest: Partial<JudgedTask> = {},
): JudgedTask {
  const judgements = Object.entries(labels).map(([annotator, label]): Judgement => {
    const given = 'ranks' in label ? label : { ranks: label };
    return {
      ...{ eventId: `${id} by ${annotator}`, annotator, group: null, shownOrder: null, activeMs: null },
      ...{ judgedAt: 0, guidelineVersion: null, placeInSession: 0, ...given },
    };
  });
  const K = judgements[0].ranks.length;
  return {
    ...{ id, itemHash: id, category: null, audiences: [], gold: null },
    ...{ lengths: new Array<number>(K).fill(10), words: 30, judgements, ...rest },
  };
}
