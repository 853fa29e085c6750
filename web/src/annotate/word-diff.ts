/** Two texts word by word. */
import { diffSentences, diffWordsWithSpace } from 'diff';

export interface Piece {
  readonly text: string;
  /** Only this text has it. */
  readonly own: boolean;
}

/**
 * Most words, and then sentences, that two texts may differ in: time grows with the square of it, and the page stands still
 * meanwhile. So many take about a tenth of a second.
 */
const maxEditLength = 1000;

/**
 * What each text has alone and what both have, in the order of each. Long texts with few words in common are told apart by
 * sentences, and where they share few of those either, as wholes.
 */
export function wordDiff(a: string, b: string): readonly [readonly Piece[], readonly Piece[]] {
  const parts = diffWordsWithSpace(a, b, { maxEditLength }) ?? diffSentences(a, b, { maxEditLength });
  if (parts === undefined) return [[{ text: a, own: true }], [{ text: b, own: true }]];
  const side = (other: 'added' | 'removed'): Piece[] =>
    parts
      .filter((part) => !part[other])
      .map((part) => ({ text: part.value, own: part.added || part.removed || false }));
  return [side('added'), side('removed')];
}
