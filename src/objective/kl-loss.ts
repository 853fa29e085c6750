/**
 * The KL penalty as part of a loss, with the divergence's own gradient.
 *
 * An estimator of the divergence, differentiated as it stands, need not have the divergence's gradient (see
 * `kl.ts`). With ρ = π / π_old and tokens drawn from π_old, three forms do, in expectation:
 * - ρ k1 and ρ k3, also after π has moved away from π_old;
 * - k2 without ρ, while it has not.
 *
 * @see DeepSeek-V3.2, arXiv:2512.02556, for ρ k3; Schulman 2020 (see `kl.ts`) for k2.
 */
import { TenetError } from '../base/index.ts';
import { divide, exp, multiply, subtract, sum, type Tensor } from '../tensor/index.ts';
import { type KlEstimator, klPerTokenTensor } from './kl.ts';
import { maskedMeanTensor, rowCountTensor } from './masked-tensor.ts';
import type { TokenLayout } from './token-layout.ts';

/**
 * The penalty of each token, nats; 0 where not counted.
 * @param options.logProbs  log π; differentiated
 * @param options.ratio     ρ, differentiated; null: the estimator stands alone. k2 takes none in either case.
 * @throws TenetError('usage') for k1 without a ratio, whose gradient is 0 on average
 */
export function klPenaltyTensor(options: {
  readonly logProbs: Tensor;
  readonly referenceLogProbs: Tensor;
  readonly counted: Tensor;
  readonly estimator: KlEstimator;
  readonly ratio: Tensor | null;
}): Tensor {
  const { estimator, ratio } = options;
  if (estimator === 'k1' && !ratio) {
    throw new TenetError(
      'usage',
      'klPenaltyTensor: k1 without the ratio has a gradient of 0 on average, so the penalty would hold nothing; ' +
        'use useBiasCorrectionKl, or k2 or k3, or put the penalty into the reward',
    );
  }
  const penalty = klPerTokenTensor(options);
  return ratio && estimator !== 'k2' ? multiply(penalty, ratio) : penalty;
}

/**
 * The penalty of a batch, for losses that have none of their own.
 * @param options.oldLogProbs   tokens: log π when they were sampled
 * @param options.useBiasCorrectionKl true: with the ratio. Default true
 * @param options.per           mean per `token`, or per `sequence` of the sum over its tokens
 * @param options.total         scalar: tokens or sequences of the whole accumulated batch. Default: those here
 * @returns scalar, nats per token or per sequence
 */
export function klLoss(options: {
  readonly tokens: TokenLayout;
  readonly logProbs: Tensor;
  readonly oldLogProbs: Tensor;
  readonly referenceLogProbs: Tensor;
  readonly estimator: KlEstimator;
  readonly useBiasCorrectionKl?: boolean;
  readonly per: 'token' | 'sequence';
  readonly total?: Tensor;
}): Tensor {
  const { tokens, logProbs, oldLogProbs, referenceLogProbs, estimator, total } = options;
  const corrected = options.useBiasCorrectionKl ?? true;
  const penalty = klPenaltyTensor({
    logProbs,
    referenceLogProbs,
    counted: tokens.counted,
    estimator,
    ratio: corrected ? exp(tokens.keep(subtract(logProbs, oldLogProbs))) : null,
  });
  if (options.per === 'token') return maskedMeanTensor(penalty, tokens.counted, total);
  return divide(sum(tokens.sumPerSequence(penalty)), total ?? rowCountTensor(tokens.lengths));
}
