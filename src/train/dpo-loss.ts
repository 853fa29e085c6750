/** DPO's loss on a graph over pairs; the builder that the stage and its online form share. */

import type { EncodedPreference } from '../data/index.ts';
import { dpoLoss, lengthDesensitisedWeights } from '../objective/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type DpoLossOptions, lossesOf } from './dpo-options.ts';
import type { PairGraph, PairTokenWeights } from './pair-batch.ts';

/** Reads `referenceChosen` and `referenceRejected` [P], the reference's log-probabilities of whole responses. */
export function dpoLossOf(
  graph: PairGraph,
  options: DpoLossOptions,
): { readonly loss: Tensor; readonly metrics: Readonly<Record<string, Tensor>> } {
  const { chosen, rejected } = graph;
  const { loss, metrics } = dpoLoss({
    chosenLogProbs: chosen.logProbs,
    rejectedLogProbs: rejected.logProbs,
    referenceChosenLogProbs: graph.perPair('referenceChosen'),
    referenceRejectedLogProbs: graph.perPair('referenceRejected'),
    chosenLengths: chosen.lengths,
    rejectedLengths: rejected.lengths,
    chosenCrossEntropy: graph.chosenCrossEntropy,
    pairTotal: graph.pairTotal,
    losses: lossesOf(options),
    beta: options.beta,
    labelSmoothing: options.labelSmoothing,
    fDivergenceType: options.fDivergenceType,
    fAlphaDivergenceCoef: options.fAlphaDivergenceCoef,
    discopopTau: options.discopopTau,
    ...(options.useWeighting && { pairWeights: graph.onPolicyWeights() }),
  });
  return { loss, metrics: { ...metrics, ...graph.metrics } };
}

/** Losses that sort the pairs of a step against one another: it must not be cut into micro-batches. */
export function comparesPairs(options: DpoLossOptions): boolean {
  return lossesOf(options).some(({ type }) => type === 'aot' || type === 'aot_unpaired');
}

/** Weights of the tokens of each pair for LD-DPO; undefined without it. */
export function tokenWeightsOf(
  pairs: readonly EncodedPreference[],
  { ldAlpha: alpha }: DpoLossOptions,
): PairTokenWeights[] | undefined {
  if (alpha === null) return undefined;
  return pairs.map(({ chosen, rejected }) =>
    lengthDesensitisedWeights({
      chosenCounted: new Uint8Array(chosen.length).fill(1),
      rejectedCounted: new Uint8Array(rejected.length).fill(1),
      pairs: 1,
      alpha,
    }),
  );
}
