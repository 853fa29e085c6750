/** What a reference model thinks of the responses of pairs. */
import type { EncodedPreference } from '../data/index.ts';
import type { ParameterStore } from '../model/index.ts';
import { chosenOf, type PairTokenWeights, rejectedOf } from './pair-batch.ts';
import type { ResponseScorer } from './scorers.ts';
import type { Sequence } from './sequences.ts';

/** [pairs] log π_ref of whole responses, nats. */
export interface ReferenceLogProbs {
  readonly referenceChosen: readonly number[];
  readonly referenceRejected: readonly number[];
}

/** @param weights of the tokens, as the policy's log-probabilities are weighted. Default: all 1 */
export async function referenceLogProbs(
  scorer: ResponseScorer,
  reference: ParameterStore,
  pairs: readonly EncodedPreference[],
  weights?: readonly PairTokenWeights[],
): Promise<ReferenceLogProbs> {
  const perToken = await scorer.logProbs(
    reference,
    pairs.flatMap((pair) => [chosenOf(pair), rejectedOf(pair)]),
  );
  const sums = perToken.map((logProbs, i) => {
    const pair = weights?.[i >> 1];
    const own = pair && (i % 2 === 0 ? pair.chosen : pair.rejected);
    return logProbs.reduce((total, value, t) => total + value * (own?.[t] ?? 1), 0);
  });
  return {
    referenceChosen: pairs.map((_, i) => sums[2 * i]),
    referenceRejected: pairs.map((_, i) => sums[2 * i + 1]),
  };
}

/** log π_ref of whole responses, nats. */
export async function sequenceLogProbs(
  scorer: ResponseScorer,
  parameters: ParameterStore,
  sequences: readonly Sequence[],
): Promise<number[]> {
  const scores = await scorer.logProbs(parameters, sequences);
  return scores.map((logProbs) => logProbs.reduce((total, value) => total + value, 0));
}

/** The numbers of some of the pairs. */
export function pickReference(all: ReferenceLogProbs, rows: readonly number[]): ReferenceLogProbs {
  return {
    referenceChosen: rows.map((i) => all.referenceChosen[i]),
    referenceRejected: rows.map((i) => all.referenceRejected[i]),
  };
}
