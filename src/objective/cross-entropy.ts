/** Cross-entropy of chosen tokens: the loss of pre-training and supervised fine-tuning. */
import { TenetError } from '../base/index.ts';
import { add, divide, exp, multiply, negate, stopGradient, type Tensor } from '../tensor/index.ts';
import { keepCounted, maskedCountTensor, maskedMeanTensor, maskedSumTensor } from './masked-tensor.ts';

/**
 * nll: −log p. dft: −p · log p with the first p held constant, so that the gradient no longer grows as 1 / p
 * for tokens the model finds unlikely (Wu et al. 2025, arXiv:2508.05629).
 */
export type CrossEntropyVariant = 'nll' | 'dft';

export interface CrossEntropyOptions {
  /** [N] or [B, T] log-probability of each target token; differentiated. */
  readonly logProbs: Tensor;
  /** Real, 1 = counted. */
  readonly counted: Tensor;
  /**
   * Scalar to divide by: the counted tokens of the *whole accumulated batch*, so that a long micro-batch weighs
   * as much as its tokens. Default: those of `counted`.
   */
  readonly normaliser?: Tensor;
  /** Default nll. */
  readonly variant?: CrossEntropyVariant;
  /**
   * Part of the target spread evenly over the vocabulary, in [0, 1). Default 0. Needs `vocabularyLogProbs`.
   * @see Szegedy et al. 2016, arXiv:1512.00567, section 7.
   */
  readonly labelSmoothing?: number;
  /** Mean over the vocabulary of each position's log-probabilities, shaped like `logProbs`; for label smoothing. */
  readonly vocabularyLogProbs?: Tensor;
  /** 1 where the target is a most likely token; adds the metric `meanTokenAccuracy`. */
  readonly isArgmax?: Tensor;
  /** Entropy of each position's distribution, nats; adds the metric `entropy`. */
  readonly entropy?: Tensor;
}

export interface CrossEntropyResult {
  readonly loss: Tensor;
  readonly metrics: {
    /** Mean −log p of the targets whatever the variant, nats per token. */
    readonly crossEntropy: Tensor;
    readonly meanTokenAccuracy?: Tensor;
    readonly entropy?: Tensor;
  };
}

/**
 * −Σ log p over counted tokens / normaliser, in nats.
 * @throws TenetError('usage') for label smoothing outside [0, 1), without `vocabularyLogProbs`, or with dft
 */
export function crossEntropyLoss(options: CrossEntropyOptions): CrossEntropyResult {
  const { logProbs, counted, variant = 'nll', labelSmoothing = 0, vocabularyLogProbs } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new TenetError('usage', `crossEntropyLoss: labelSmoothing ${labelSmoothing} must lie in [0, 1)`);
  }
  if (labelSmoothing > 0 && (!vocabularyLogProbs || variant !== 'nll')) {
    throw new TenetError(
      'usage',
      `crossEntropyLoss: labelSmoothing ${labelSmoothing} needs vocabularyLogProbs and the nll variant`,
    );
  }
  const normaliser = options.normaliser ?? maskedCountTensor(counted);
  const mean = (values: Tensor): Tensor => maskedMeanTensor(values, counted, normaliser);
  const kept = keepCounted(logProbs, counted);
  const crossEntropy = divide(negate(maskedSumTensor(kept, counted)), normaliser);
  let loss = crossEntropy;
  if (variant === 'dft') loss = negate(mean(multiply(stopGradient(exp(kept)), kept)));
  if (labelSmoothing > 0 && vocabularyLogProbs) {
    const uniform = negate(mean(vocabularyLogProbs));
    loss = add(multiply(crossEntropy, 1 - labelSmoothing), multiply(uniform, labelSmoothing));
  }
  return {
    loss,
    metrics: {
      crossEntropy,
      ...(options.isArgmax ? { meanTokenAccuracy: mean(options.isArgmax) } : {}),
      ...(options.entropy ? { entropy: mean(options.entropy) } : {}),
    },
  };
}
