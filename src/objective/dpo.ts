/**
 * Direct preference optimisation: a policy from comparisons, without a reward model.
 *
 * Shapes: P pairs.
 * @see Rafailov et al. 2023, arXiv:2305.18290; `dpo-losses.ts` for the relatives.
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  divide,
  greater,
  multiply,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  toReal,
} from '../tensor/index.ts';
import { type DpoLossType, lengthNormalisedLosses, type PairTerms, pairLosses } from './dpo-losses.ts';
import { divergenceScores, type FDivergence } from './f-divergence.ts';
import { rowCountTensor } from './masked-tensor.ts';

export interface DpoOptions {
  /** [P] log π of the whole chosen response: the sum over its tokens; differentiated. */
  readonly chosenLogProbs: Tensor;
  /** [P] the same of the rejected response; differentiated. */
  readonly rejectedLogProbs: Tensor;
  /** [P] the same under the reference model. */
  readonly referenceChosenLogProbs: Tensor;
  readonly referenceRejectedLogProbs: Tensor;
  /** [P] counted tokens of each response; needed by ipo and sigmoid_norm. */
  readonly chosenLengths?: Tensor;
  readonly rejectedLengths?: Tensor;
  /** Scalar −mean log π per token of the chosen responses, over the whole accumulated batch; needed by sft. */
  readonly chosenCrossEntropy?: Tensor;
  /** Scalar: pairs of the whole accumulated batch. Default: those here. (aot sorts within what it is given.) */
  readonly pairTotal?: Tensor;

  /** Losses and their weights, summed (several: MPO, arXiv:2411.10442). Default sigmoid alone. */
  readonly losses?: readonly { readonly type: DpoLossType; readonly weight: number }[];
  /** Strength of the tie to the reference, per nat: higher stays closer. Default 0.1 (the paper, TRL). */
  readonly beta?: number;
  /** Probability that a label is wrong, for cdpo, robust, exo_pair and aot. Default 0. */
  readonly labelSmoothing?: number;
  /** Default reverse_kl. */
  readonly fDivergenceType?: FDivergence;
  /** For alpha_divergence. Default 0.5 (TRL). */
  readonly fAlphaDivergenceCoef?: number;
  /** Default 0.05 (TRL). */
  readonly discopopTau?: number;
  /** [P] constant weights of the pairs, e.g. WPO's (`onPolicyWeights`); not on sft. Default: all 1. */
  readonly pairWeights?: Tensor;
}

/** Means over pairs; TRL's names in brackets. */
export interface PreferenceMetrics {
  /** β (log π − log π_ref), the implicit reward (rewards/chosen, rewards/rejected). */
  readonly rewardsChosen: Tensor;
  readonly rewardsRejected: Tensor;
  /** Part of the pairs with the larger reward for the chosen response (rewards/accuracies). */
  readonly rewardsAccuracies: Tensor;
  /** (rewards/margins) */
  readonly rewardsMargins: Tensor;
  /** log π of whole responses, nats (logps/chosen, logps/rejected). */
  readonly logpsChosen: Tensor;
  readonly logpsRejected: Tensor;
}

/** @throws TenetError('usage') naming everything that is missing or out of range */
export function dpoLoss(options: DpoOptions): { readonly loss: Tensor; readonly metrics: PreferenceMetrics } {
  const { losses = [{ type: 'sigmoid', weight: 1 }], beta = 0.1, labelSmoothing = 0 } = options;
  check(options, losses, beta, labelSmoothing);
  const { chosenLogProbs, rejectedLogProbs, referenceChosenLogProbs, referenceRejectedLogProbs } = options;
  const pairTotal = options.pairTotal ?? rowCountTensor(chosenLogProbs);
  const chosenLogRatios = subtract(chosenLogProbs, referenceChosenLogProbs);
  const rejectedLogRatios = subtract(rejectedLogProbs, referenceRejectedLogProbs);
  const { fDivergenceType = 'reverse_kl', fAlphaDivergenceCoef } = options;
  const chosenScores = divergenceScores(chosenLogRatios, fDivergenceType, fAlphaDivergenceCoef);
  const rejectedScores = divergenceScores(rejectedLogRatios, fDivergenceType, fAlphaDivergenceCoef);
  const terms: PairTerms = {
    chosenLogProbs,
    rejectedLogProbs,
    referenceChosenLogProbs,
    referenceRejectedLogProbs,
    chosenLogRatios,
    rejectedLogRatios,
    chosenScores,
    rejectedScores,
    delta: subtract(chosenScores, rejectedScores),
    chosenLengths: options.chosenLengths ?? null,
    rejectedLengths: options.rejectedLengths ?? null,
    beta,
    labelSmoothing,
    discopopTau: options.discopopTau ?? 0.05,
  };
  const parts = losses.map(({ type, weight }) => {
    if (type === 'sft') return multiply(options.chosenCrossEntropy!, weight);
    const perPair = pairLosses[type](terms);
    const weighted = options.pairWeights ? multiply(perPair, options.pairWeights) : perPair;
    return multiply(divide(sum(weighted), pairTotal), weight);
  });
  return {
    loss: parts.reduce((a, b) => add(a, b)),
    metrics: preferenceMetrics({
      chosenRewards: multiply(chosenLogRatios, beta),
      rejectedRewards: multiply(rejectedLogRatios, beta),
      chosenLogProbs,
      rejectedLogProbs,
      pairTotal,
    }),
  };
}

/** Metrics common to all losses over pairs; every tensor [P] but the total. */
export function preferenceMetrics(options: {
  readonly chosenRewards: Tensor;
  readonly rejectedRewards: Tensor;
  readonly chosenLogProbs: Tensor;
  readonly rejectedLogProbs: Tensor;
  readonly pairTotal: Tensor;
}): PreferenceMetrics {
  const { chosenRewards, rejectedRewards, chosenLogProbs, rejectedLogProbs, pairTotal } = options;
  const mean = (values: Tensor): Tensor => stopGradient(divide(sum(values), pairTotal));
  return {
    rewardsChosen: mean(chosenRewards),
    rewardsRejected: mean(rejectedRewards),
    rewardsAccuracies: mean(toReal(greater(chosenRewards, rejectedRewards))),
    rewardsMargins: mean(subtract(chosenRewards, rejectedRewards)),
    logpsChosen: mean(chosenLogProbs),
    logpsRejected: mean(rejectedLogProbs),
  };
}

function check(
  options: DpoOptions,
  losses: NonNullable<DpoOptions['losses']>,
  beta: number,
  epsilon: number,
): void {
  const problems: string[] = [];
  const types = losses.map(({ type }) => type);
  if (types.length === 0) problems.push('losses is empty');
  if (!(beta > 0)) problems.push(`beta ${beta} must be above 0`);
  if (!(epsilon >= 0 && epsilon < 0.5)) problems.push(`labelSmoothing ${epsilon} must lie in [0, 0.5)`);
  if (types.includes('exo_pair') && epsilon === 0) {
    problems.push('exo_pair takes the logarithm of labelSmoothing, which is 0; 0.001 is usual');
  }
  const needLengths = types.filter((type) => lengthNormalisedLosses.includes(type));
  if (needLengths.length && (!options.chosenLengths || !options.rejectedLengths)) {
    problems.push(`${needLengths.join(' and ')} need chosenLengths and rejectedLengths`);
  }
  if (types.includes('sft') && !options.chosenCrossEntropy) problems.push('sft needs chosenCrossEntropy');
  if (problems.length) throw new TenetError('usage', `dpoLoss: ${problems.join('; ')}`);
}
