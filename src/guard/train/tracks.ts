/**
 * What each text of a batch teaches which score.
 *
 * Shapes: H scores of a token, B texts of a micro-batch, P tracks (a text and one of its scores).
 */
import type { EncodedText } from '../classifier/encode-examples.ts';
import type { GuardKind } from '../classifier/heads.ts';
import { balancedWeights } from './balance.ts';

/** One score that a text teaches. */
export interface Track {
  /** Row of the head. */
  readonly head: number;
  readonly harmful: boolean;
  readonly weight: number;
}

export interface TrackedText {
  readonly text: EncodedText;
  readonly tracks: readonly Track[];
}

export interface TrackOptions {
  readonly kinds: readonly GuardKind[];
  readonly categories: readonly string[];
  readonly categoryWeight: number;
  readonly balance: boolean;
}

/** No text weighs more than so many times the mean for its label alone, however rare that is. */
const mostWeight = 10;

/**
 * The verdict of its kind, and every category whose label is known: all of a harmless text, none of a harmful one whose
 * categories nobody has named.
 */
export function trackTexts(texts: readonly EncodedText[], options: TrackOptions): TrackedText[] {
  const { kinds, categories, categoryWeight, balance } = options;
  const plain = texts.map((text) => {
    const { kind, harmful, example } = text;
    const verdict = { head: kinds.indexOf(kind), harmful };
    const named = harmful ? example.categories : [];
    const others =
      named === null || categoryWeight === 0
        ? []
        : categories.map((category, c) => ({
            head: kinds.length + c,
            harmful: named.includes(category),
          }));
    return { text, labels: [verdict, ...others] };
  });
  const balanceOf = balancedWeights(
    plain.flatMap(({ labels }) => labels),
    ({ head }) => head,
  );
  return plain.map(({ text, labels }) => ({
    text,
    tracks: labels.map((label): Track => {
      const balanced = balance ? Math.min(mostWeight, balanceOf(label)) : 1;
      const isVerdict = label.head < kinds.length;
      const own = isVerdict ? 1 : categoryWeight / categories.length;
      return { ...label, weight: balanced * own * (text.example.weight ?? 1) };
    }),
  }));
}
