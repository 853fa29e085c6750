/**
 * CPO and SimPO: preferences without a reference model.
 *
 * Shapes: P pairs.
 * @see Xu et al. 2024, arXiv:2401.08417 (CPO); Meng et al. 2024, arXiv:2405.14734 (SimPO).
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  divide,
  logSigmoid,
  multiply,
  negate,
  relu,
  square,
  subtract,
  sum,
  type Tensor,
} from '../tensor/index.ts';
import { type PreferenceMetrics, preferenceMetrics } from './dpo.ts';
import { rowCountTensor } from './masked-tensor.ts';

export type CpoLossType = 'sigmoid' | 'hinge' | 'ipo' | 'simpo';

export interface CpoOptions {
  /** [P] log π of the chosen response; summed over tokens, for simpo and ipo *mean* per token. Differentiated. */
  readonly chosenLogProbs: Tensor;
  /** [P] the same of the rejected response. */
  readonly rejectedLogProbs: Tensor;
  /** Scalar: cross-entropy of the chosen responses over the whole accumulated batch; needed when cpoAlpha is not 0. */
  readonly chosenCrossEntropy?: Tensor;
  /** Default sigmoid. */
  readonly lossType?: CpoLossType;
  /** Default 0.1 (TRL); for simpo 2 (its paper uses 2 to 2.5). */
  readonly beta?: number;
  /** simpo's target margin γ, in reward units. Default 1 (γ / β = 0.5 in its paper). */
  readonly simpoGamma?: number;
  /** Weight of the cross-entropy. Default 1; for simpo 0. */
  readonly cpoAlpha?: number;
  /** Probability that a label is wrong, in [0, ½); for sigmoid and simpo. Default 0. */
  readonly labelSmoothing?: number;
  /** Scalar: pairs of the whole accumulated batch. Default: those here. */
  readonly pairTotal?: Tensor;
}

export interface CpoMetrics extends PreferenceMetrics {
  readonly nllLoss?: Tensor;
}

/**
 * Mean of −log σ(βΔ) (sigmoid), −log σ(βΔ − γ) (simpo), max(0, 1 − βΔ) (hinge) or (Δ − 1/2β)² (ipo), with
 * Δ = log π(chosen) − log π(rejected); plus cpoAlpha · cross-entropy.
 * @throws TenetError('usage') naming everything that is missing or out of range
 * @see CPO, eq. 3; SimPO, eq. 6
 */
export function cpoLoss(options: CpoOptions): { readonly loss: Tensor; readonly metrics: CpoMetrics } {
  const { chosenLogProbs, rejectedLogProbs, chosenCrossEntropy, lossType = 'sigmoid' } = options;
  const isSimpo = lossType === 'simpo';
  const { beta = isSimpo ? 2 : 0.1, simpoGamma = 1, labelSmoothing = 0 } = options;
  const cpoAlpha = options.cpoAlpha ?? (isSimpo ? 0 : 1);
  const problems: string[] = [];
  if (!(beta > 0)) problems.push(`beta ${beta} must be above 0`);
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
    problems.push(`labelSmoothing ${labelSmoothing} must lie in [0, 0.5)`);
  }
  if (cpoAlpha !== 0 && !chosenCrossEntropy) problems.push(`cpoAlpha ${cpoAlpha} needs chosenCrossEntropy`);
  if (problems.length) throw new TenetError('usage', `cpoLoss: ${problems.join('; ')}`);

  const pairTotal = options.pairTotal ?? rowCountTensor(chosenLogProbs);
  const delta = subtract(chosenLogProbs, rejectedLogProbs);
  const x = subtract(multiply(delta, beta), isSimpo ? simpoGamma : 0);
  let perPair: Tensor;
  if (lossType === 'hinge') perPair = relu(subtract(1, x));
  else if (lossType === 'ipo') perPair = square(subtract(delta, 1 / (2 * beta)));
  else {
    const agree = multiply(logSigmoid(x), labelSmoothing - 1);
    perPair = labelSmoothing === 0 ? agree : subtract(agree, multiply(logSigmoid(negate(x)), labelSmoothing));
  }
  const preference = divide(sum(perPair), pairTotal);
  return {
    loss: cpoAlpha === 0 ? preference : add(preference, multiply(chosenCrossEntropy!, cpoAlpha)),
    metrics: {
      ...preferenceMetrics({
        chosenRewards: multiply(chosenLogProbs, beta),
        rejectedRewards: multiply(rejectedLogProbs, beta),
        chosenLogProbs,
        rejectedLogProbs,
        pairTotal,
      }),
      ...(chosenCrossEntropy ? { nllLoss: chosenCrossEntropy } : {}),
    },
  };
}
