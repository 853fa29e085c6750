/**
 * ORPO: fine-tuning and preference in one loss, without a reference model.
 *
 * Shapes: P pairs.
 * @see Hong et al. 2024, arXiv:2403.07691, eqs. 4, 6 and 7.
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  divide,
  log,
  logSigmoid,
  minimum,
  multiply,
  negate,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  tanh,
} from '../tensor/index.ts';
import { type PreferenceMetrics, preferenceMetrics } from './dpo.ts';
import { rowCountTensor } from './masked-tensor.ts';

export interface OrpoOptions {
  /** [P] *mean* log π per token of the chosen response, nats; differentiated. */
  readonly chosenLogProbs: Tensor;
  /** [P] the same of the rejected response. */
  readonly rejectedLogProbs: Tensor;
  /** Scalar: cross-entropy of the chosen responses, over the whole accumulated batch. */
  readonly chosenCrossEntropy: Tensor;
  /** Weight of the odds-ratio term, λ in the paper. Default 0.1 (TRL). */
  readonly beta?: number;
  /** Scalar: pairs of the whole accumulated batch. Default: those here. */
  readonly pairTotal?: Tensor;
}

export interface OrpoMetrics extends PreferenceMetrics {
  readonly nllLoss: Tensor;
  /** Mean log σ(log odds ratio) and mean log odds ratio (log_odds_ratio, log_odds_chosen). */
  readonly logOddsRatio: Tensor;
  readonly logOddsChosen: Tensor;
}

/**
 * Cross-entropy − β · mean log σ(log odds(chosen) − log odds(rejected)), odds(p) = p / (1 − p).
 * @throws TenetError('usage') when beta is negative
 */
export function orpoLoss(options: OrpoOptions): { readonly loss: Tensor; readonly metrics: OrpoMetrics } {
  const { chosenLogProbs, rejectedLogProbs, chosenCrossEntropy, beta = 0.1 } = options;
  if (!(beta >= 0)) throw new TenetError('usage', `orpoLoss: beta ${beta} must not be negative`);
  const pairTotal = options.pairTotal ?? rowCountTensor(chosenLogProbs);
  const mean = (values: Tensor): Tensor => divide(sum(values), pairTotal);
  const logOdds = subtract(
    subtract(chosenLogProbs, rejectedLogProbs),
    subtract(logOneMinusExp(chosenLogProbs), logOneMinusExp(rejectedLogProbs)),
  );
  const logOddsRatio = mean(logSigmoid(logOdds));
  return {
    loss: add(chosenCrossEntropy, multiply(logOddsRatio, -beta)),
    metrics: {
      ...preferenceMetrics({
        chosenRewards: multiply(chosenLogProbs, beta),
        rejectedRewards: multiply(rejectedLogProbs, beta),
        chosenLogProbs,
        rejectedLogProbs,
        pairTotal,
      }),
      nllLoss: chosenCrossEntropy,
      logOddsRatio: stopGradient(logOddsRatio),
      logOddsChosen: stopGradient(mean(logOdds)),
    },
  };
}

/**
 * log(1 − eˣ) for x < 0. With t = tanh(x / 2), 1 − eˣ = −2t / (1 − t), which keeps its digits near 0, where 1 − eˣ
 * would cancel; x is limited to −1e-6, since a certain token has infinite odds.
 */
function logOneMinusExp(x: Tensor): Tensor {
  const t = tanh(multiply(minimum(x, -1e-6), 0.5));
  return log(divide(multiply(negate(t), 2), subtract(1, t)));
}
