/**
 * KTO: a policy from single judgements (good or bad), no pairs needed.
 *
 * Shapes: B responses.
 * @see Ethayarajh et al. 2024, arXiv:2402.01306.
 */
import { TenetError } from '../base/index.ts';
import {
  divide,
  greater,
  maximum,
  multiply,
  sigmoid,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from '../tensor/index.ts';
import { rowCountTensor } from './masked-tensor.ts';

/**
 * The reference point z: the mean of log π − log π_ref over prompts paired with *other* prompts' responses, an
 * estimate of the policy's divergence; at least 0, no gradient.
 * @param mismatchedLogProbs          [B] log π of each mismatched response
 * @param referenceMismatchedLogProbs [B]
 * @param total scalar to divide by: mismatched responses of the whole accumulated batch. Default B
 * @returns scalar, nats
 */
export function ktoReferencePoint(
  mismatchedLogProbs: Tensor,
  referenceMismatchedLogProbs: Tensor,
  total?: Tensor,
): Tensor {
  const gap = subtract(mismatchedLogProbs, referenceMismatchedLogProbs);
  return stopGradient(maximum(divide(sum(gap), total ?? rowCountTensor(gap)), 0));
}

export interface KtoOptions {
  /** [B] log π of whole responses; differentiated. */
  readonly logProbs: Tensor;
  /** [B] the same under the reference model. */
  readonly referenceLogProbs: Tensor;
  /** [B] real, 1 = judged good, 0 = bad. */
  readonly desirable: Tensor;
  /** Scalar z from `ktoReferencePoint`; needed by kto. */
  readonly referencePoint?: Tensor;
  /** `apo_zero_unpaired` has no reference point (D'Oosterlinck et al. 2024, arXiv:2408.06266). Default kto. */
  readonly lossType?: 'kto' | 'apo_zero_unpaired';
  /** Default 0.1. */
  readonly beta?: number;
  /** Weights of good and bad responses; the paper balances classes so that their totals are within 1 : 4/3. Default 1. */
  readonly desirableWeight?: number;
  readonly undesirableWeight?: number;
  /** Scalars: responses, and good and bad ones among them, of the whole accumulated batch. Default: those here. */
  readonly total?: Tensor;
  readonly desirableTotal?: Tensor;
  readonly undesirableTotal?: Tensor;
}

export interface KtoMetrics {
  /** Mean β (log π − log π_ref) of good and of bad responses (rewards/chosen, rewards/rejected); 0 without any. */
  readonly rewardsChosen: Tensor;
  readonly rewardsRejected: Tensor;
  /** Mean log π of whole responses, nats. */
  readonly logpsChosen: Tensor;
  readonly logpsRejected: Tensor;
  /** z, nats. */
  readonly kl?: Tensor;
}

/**
 * Mean of w (1 − σ(β(x − z))) over good and w (1 − σ(β(z − x))) over bad responses, x = log π − log π_ref.
 * @throws TenetError('usage') when kto has no reference point, or beta is not positive
 * @see eq. 7 of the paper
 */
export function ktoLoss(options: KtoOptions): { readonly loss: Tensor; readonly metrics: KtoMetrics } {
  const { logProbs, referenceLogProbs, desirable, referencePoint, lossType = 'kto', beta = 0.1 } = options;
  if (!(beta > 0) || (lossType === 'kto' && !referencePoint)) {
    throw new TenetError(
      'usage',
      `ktoLoss: beta ${beta} must be above 0, and kto needs a referencePoint (${referencePoint ? 'given' : 'missing'})`,
    );
  }
  const { desirableWeight = 1, undesirableWeight = 1 } = options;
  const isGood = greater(desirable, 0.5);
  const logRatios = subtract(logProbs, referenceLogProbs);
  const gap = lossType === 'kto' ? subtract(logRatios, referencePoint!) : logRatios;
  const good = multiply(sigmoid(multiply(gap, -beta)), desirableWeight); // 1 − σ(x) = σ(−x)
  const bad = multiply(sigmoid(multiply(gap, beta)), undesirableWeight);
  const goodTotal = options.desirableTotal ?? maximum(sum(desirable), 1);
  const badTotal = options.undesirableTotal ?? maximum(sum(subtract(1, desirable)), 1);
  const meanOf = (values: Tensor, ofGood: boolean): Tensor => {
    const kept = ofGood ? where(isGood, values, 0) : where(isGood, 0, values);
    return stopGradient(divide(sum(kept), ofGood ? goodTotal : badTotal));
  };
  const rewards = multiply(logRatios, beta);
  return {
    loss: divide(sum(where(isGood, good, bad)), options.total ?? rowCountTensor(logProbs)),
    metrics: {
      rewardsChosen: meanOf(rewards, true),
      rewardsRejected: meanOf(rewards, false),
      logpsChosen: meanOf(logProbs, true),
      logpsRejected: meanOf(logProbs, false),
      ...(lossType === 'kto' ? { kl: referencePoint } : {}),
    },
  };
}
