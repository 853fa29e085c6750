/**
 * RLOO: REINFORCE with a leave-one-out baseline, clipped like PPO, on whole responses.
 *
 * Shapes: B sequences; tokens in a grid [B, T] or packed [N] (`token-layout.ts`).
 * @see Ahmadian et al. 2024, arXiv:2402.14740.
 */
import { TenetError } from '../base/index.ts';
import { clip, divide, exp, minimum, multiply, negate, subtract, sum, type Tensor } from '../tensor/index.ts';
import { type ClipMetrics, clipMetrics } from './clip-metrics.ts';
import { maskedMeanTensor, rowCountTensor } from './masked-tensor.ts';
import type { TokenLayout } from './token-layout.ts';

export interface RlooMetrics extends ClipMetrics {
  /** Mean of the sequences' ratios. */
  readonly ratioMean: Tensor;
  /** Mean entropy of the counted tokens' distributions, nats. */
  readonly entropy?: Tensor;
}

/**
 * −mean over sequences of min(ρ A, clip(ρ) A), ρ = exp(Σ log π − Σ log π_old): a response is one action, as in the
 * paper. For ratios per token use `ppoPolicyLoss` with the same advantages at every token.
 * @param options.logProbs     tokens; differentiated
 * @param options.oldLogProbs  tokens, when they were sampled
 * @param options.advantages   [B] from `leaveOneOutAdvantages`
 * @param options.sequenceTotal scalar: sequences of the whole accumulated batch. Default: those here
 * @param options.epsilon      default 0.2 (TRL)
 * @param options.epsilonHigh  default epsilon
 * @param options.entropy      tokens, nats; only logged
 */
export function rlooLoss(options: {
  readonly tokens: TokenLayout;
  readonly logProbs: Tensor;
  readonly oldLogProbs: Tensor;
  readonly advantages: Tensor;
  readonly tokenTotal?: Tensor;
  readonly sequenceTotal?: Tensor;
  readonly epsilon?: number;
  readonly epsilonHigh?: number;
  readonly entropy?: Tensor;
}): { readonly loss: Tensor; readonly metrics: RlooMetrics } {
  const { tokens, advantages, epsilon = 0.2, epsilonHigh = epsilon, entropy } = options;
  if (!(epsilon > 0 && epsilon < 1) || !(epsilonHigh > 0)) {
    throw new TenetError(
      'usage',
      `rlooLoss: epsilon ${epsilon} must lie in (0, 1) and epsilonHigh ${epsilonHigh} above 0`,
    );
  }
  const sequenceTotal = options.sequenceTotal ?? rowCountTensor(advantages);
  const mean = (values: Tensor): Tensor => divide(sum(values), sequenceTotal);
  const ratio = exp(tokens.sumPerSequence(subtract(options.logProbs, options.oldLogProbs))); // [B]
  const clipped = clip(ratio, 1 - epsilon, 1 + epsilonHigh);
  return {
    loss: mean(negate(minimum(multiply(ratio, advantages), multiply(clipped, advantages)))),
    metrics: {
      ...clipMetrics({ ratio, advantages, epsilon, epsilonHigh, mean, perSequence: (values) => values }),
      ratioMean: mean(ratio),
      ...(entropy ? { entropy: maskedMeanTensor(entropy, tokens.counted, options.tokenTotal) } : {}),
    },
  };
}
