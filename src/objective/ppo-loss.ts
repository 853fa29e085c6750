/**
 * PPO's clipped losses.
 *
 * All tensors but the scalars have one shape: [B, T], or [N] where only counted tokens were kept. Every loss and
 * metric is a sum over counted tokens divided by `normaliser`: with the count of the whole accumulated batch, the
 * micro-batches' results add up to the batch's, gradients included.
 *
 * @see Schulman et al. 2017, arXiv:1707.06347.
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  clip,
  equal,
  exp,
  greater,
  less,
  maximum,
  minimum,
  multiply,
  negate,
  not,
  square,
  subtract,
  type Tensor,
  where,
} from '../tensor/index.ts';
import { keepCounted, maskedCountTensor, maskedFraction, maskedMeanTensor } from './masked-tensor.ts';

export interface PpoPolicyOptions {
  /** log π of the sampled tokens; differentiated. */
  readonly logProbs: Tensor;
  /** log π of the same tokens when they were sampled. */
  readonly oldLogProbs: Tensor;
  /** Advantages, usually whitened. */
  readonly advantages: Tensor;
  /** Real, 1 = counted. */
  readonly counted: Tensor;
  /** Scalar number of counted tokens to divide by. Default: those of `counted`. */
  readonly normaliser?: Tensor;
  /** Ratios below 1 − clipRange win nothing more. Default 0.2 (the paper, section 6.1). */
  readonly clipRange?: number;
  /** The same above 1 + clipRangeHigh. Default: clipRange. DAPO's "clip-higher" raises it. */
  readonly clipRangeHigh?: number;
  /**
   * With a negative advantage A the loss is at most −dualClip · A, so that one token whose probability exploded
   * cannot dominate. > 1; null = off. Default null; 3 in its source, Ye et al. 2019, arXiv:1912.09729.
   */
  readonly dualClip?: number | null;
  /** Entropy of each token's distribution, nats; needed for the bonus, else only logged. */
  readonly entropy?: Tensor;
  /** Weight of the entropy bonus. Default 0 (off), as in RLHF practice. */
  readonly entropyCoefficient?: number;
}

export interface PpoPolicyResult {
  /** The clipped loss, less the entropy bonus. */
  readonly loss: Tensor;
  readonly metrics: {
    /** The clipped loss alone. */
    readonly policyLoss: Tensor;
    /** Mean entropy of the counted tokens' distributions, nats; only when `entropy` was given. */
    readonly entropy?: Tensor;
    /** Mean of ½ (log π − log π_old)², nats: TRL's approxkl. */
    readonly approxKl: Tensor;
    /** Mean of ρ − 1 − log ρ, Schulman's k3 for KL(π_old ‖ π), nats. */
    readonly approxKlK3: Tensor;
    /** Part of the tokens where clipping changed the loss (either clip). */
    readonly clipFraction: Tensor;
    /** Mean of ρ = π / π_old; 1 in the first epoch. */
    readonly ratioMean: Tensor;
  };
}

/**
 * Mean of max(−ρ A, −clip(ρ, 1 − ε, 1 + ε) A), with ρ = π / π_old.
 * @throws TenetError('usage') for a clip range outside (0, 1), or a dual clip of 1 or less
 * @see Schulman et al. 2017, eq. 7.
 */
export function ppoPolicyLoss(options: PpoPolicyOptions): PpoPolicyResult {
  const { counted, clipRange = 0.2, clipRangeHigh = clipRange, dualClip = null } = options;
  const { entropy, entropyCoefficient = 0 } = options;
  if (entropyCoefficient !== 0 && !entropy) {
    throw new TenetError(
      'usage',
      `ppoPolicyLoss: an entropy bonus of ${entropyCoefficient} needs the tokens' entropies, but none were given`,
    );
  }
  if (!(clipRange > 0 && clipRange < 1) || !(clipRangeHigh > 0)) {
    throw new TenetError(
      'usage',
      `ppoPolicyLoss: clipRange ${clipRange} must lie in (0, 1) and clipRangeHigh ${clipRangeHigh} above 0`,
    );
  }
  if (dualClip !== null && !(dualClip > 1)) {
    throw new TenetError('usage', `ppoPolicyLoss: dualClip ${dualClip} must be above 1, or null for none`);
  }
  const normaliser = options.normaliser ?? maskedCountTensor(counted);
  const advantages = keepCounted(options.advantages, counted);
  const logRatio = keepCounted(subtract(options.logProbs, options.oldLogProbs), counted);
  const ratio = exp(logRatio);
  const free = negate(multiply(ratio, advantages));
  const clipped = negate(multiply(clip(ratio, 1 - clipRange, 1 + clipRangeHigh), advantages));
  let perToken = maximum(free, clipped);
  if (dualClip !== null) {
    const bound = multiply(advantages, -dualClip);
    perToken = where(less(advantages, 0), minimum(perToken, bound), perToken);
  }
  const mean = (values: Tensor): Tensor => maskedMeanTensor(values, counted, normaliser);
  const policyLoss = mean(perToken);
  const meanEntropy = entropy && mean(entropy);
  const bonus = meanEntropy && entropyCoefficient !== 0 ? multiply(meanEntropy, entropyCoefficient) : null;
  return {
    loss: bonus ? subtract(policyLoss, bonus) : policyLoss,
    metrics: {
      policyLoss,
      ...(meanEntropy ? { entropy: meanEntropy } : {}),
      approxKl: mean(multiply(square(logRatio), 0.5)),
      approxKlK3: mean(subtract(subtract(ratio, 1), logRatio)),
      clipFraction: maskedFraction(not(equal(perToken, free)), counted, normaliser),
      ratioMean: mean(ratio),
    },
  };
}

export interface PpoValueOptions {
  /** Value estimates; differentiated. */
  readonly values: Tensor;
  /** Value estimates when the responses were sampled. */
  readonly oldValues: Tensor;
  /** What they should have been (from `generalisedAdvantages`). */
  readonly returns: Tensor;
  /** Real, 1 = counted. */
  readonly counted: Tensor;
  /** Scalar number of counted tokens to divide by. Default: those of `counted`. */
  readonly normaliser?: Tensor;
  /** A step of more than this from the old value wins nothing; null = no clipping. Default 0.2 (TRL). */
  readonly valueClipRange?: number | null;
}

export interface PpoValueResult {
  /** ½ · mean of the squared errors. */
  readonly loss: Tensor;
  readonly metrics: {
    /** Part of the tokens where clipping changed the loss. */
    readonly valueClipFraction: Tensor;
    /** Mean value estimate, reward units. */
    readonly valueMean: Tensor;
  };
}

/**
 * ½ · mean of max((v − R)², (v_old + clip(v − v_old, ±c) − R)²).
 * @see lm-human-preferences' PPO; Huang et al. 2022, "The 37 implementation details of PPO", detail 9.
 */
export function ppoValueLoss(options: PpoValueOptions): PpoValueResult {
  const { counted, valueClipRange = 0.2 } = options;
  if (valueClipRange !== null && !(valueClipRange > 0)) {
    throw new TenetError('usage', `ppoValueLoss: valueClipRange ${valueClipRange} must be above 0, or null`);
  }
  const normaliser = options.normaliser ?? maskedCountTensor(counted);
  const values = keepCounted(options.values, counted);
  const oldValues = keepCounted(options.oldValues, counted);
  const returns = keepCounted(options.returns, counted);
  const free = square(subtract(values, returns));
  const near =
    valueClipRange === null
      ? values
      : minimum(maximum(values, subtract(oldValues, valueClipRange)), add(oldValues, valueClipRange));
  const clipped = square(subtract(near, returns));
  return {
    loss: multiply(maskedMeanTensor(maximum(free, clipped), counted, normaliser), 0.5),
    metrics: {
      valueClipFraction: maskedFraction(greater(clipped, free), counted, normaliser),
      valueMean: maskedMeanTensor(values, counted, normaliser),
    },
  };
}

export interface PpoOptions extends PpoPolicyOptions, PpoValueOptions {
  /** Weight of the value loss. Default 0.1 (lm-human-preferences, TRL). */
  readonly valueCoefficient?: number;
}

export interface PpoResult {
  readonly loss: Tensor;
  readonly metrics: PpoPolicyResult['metrics'] &
    PpoValueResult['metrics'] & {
      readonly valueLoss: Tensor;
    };
}

/**
 * policy loss + valueCoefficient · value loss − entropyCoefficient · mean entropy.
 * @throws TenetError('usage') for an entropy bonus without entropies
 * @see Schulman et al. 2017, eq. 9.
 */
export function ppoLoss(options: PpoOptions): PpoResult {
  const shared = { ...options, normaliser: options.normaliser ?? maskedCountTensor(options.counted) };
  const policy = ppoPolicyLoss(shared);
  const value = ppoValueLoss(shared);
  return {
    loss: add(policy.loss, multiply(value.loss, options.valueCoefficient ?? 0.1)),
    metrics: { ...policy.metrics, ...value.metrics, valueLoss: value.loss },
  };
}
