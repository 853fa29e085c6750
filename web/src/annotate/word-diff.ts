/** Two texts word by word. */
import { diffWordsWithSpace } from 'diff';

export interface Piece {
  readonly text: string;
  /** Only this text has it. */
  readonly own: boolean;
}

/** What each text has alone and what both have, in the order of each. */
export function wordDiff(a: string, b: string): readonly [readonly Piece[], readonly Piece[]] {
  const parts = diffWordsWithSpace(a, b);
  const side = (other: 'added' | 'removed'): Piece[] =>
    parts
      .filter((part) => !part[other])
      .map((part) => ({ text: part.value, own: part.added || part.removed || false }));
  return [side('added'), side('removed')];
}
