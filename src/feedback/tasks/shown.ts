/**
 * What an annotator sees of a task: which order the responses stand in, and whether a suggestion is shown.
 *
 * Both are drawn by chance, but depend on task and annotator alone, so that a page loaded again shows the same, and are
 * recorded with the label, so that what they do to judgements can be measured.
 */
import { hashOf, Random } from '../../base/index.ts';
import type { LabelTask } from './label-task.ts';

/** [K] `order[position]` is the index of the response that stands there. */
export function shownOrderOf(task: LabelTask, annotator: string): number[] {
  const indexes = task.item.responses.map((_, i) => i);
  return randomFor(task, annotator, 'order').shuffled(indexes);
}

export function isSuggestionShown(task: LabelTask, annotator: string): boolean {
  const share = task.suggestion?.shownTo ?? 0;
  return share > 0 && randomFor(task, annotator, 'suggestion').uniform() < share;
}

/** A card's letter, A first: the same for all models, so that it tells nothing. */
export function letterOf(position: number): string {
  return String.fromCharCode(65 + position);
}

/** [K] what is given by card in the order shown, by response. */
export function byResponse<T>(byCard: readonly T[], shownOrder: readonly number[]): T[] {
  const result = new Array<T>(byCard.length);
  for (const [position, response] of shownOrder.entries()) result[response] = byCard[position];
  return result;
}

/** [K] what is given by response, by card in the order shown. */
export function byCard<T>(byResponse: readonly T[], shownOrder: readonly number[]): T[] {
  return shownOrder.map((response) => byResponse[response]);
}

function randomFor({ id }: LabelTask, annotator: string, purpose: string): Random {
  const hash = hashOf(`${purpose}\n${id}\n${annotator}`).slice('sha256:'.length);
  return new Random(Number.parseInt(hash.slice(0, 8), 16));
}
