/**
 * Corrects for a sampler whose probabilities differ from the trainer's (other kernels, other precision, an older
 * copy of the weights): weights for the policy term, from log-probabilities of the same tokens by both.
 *
 * Truncating limits a weight (little bias, bounded variance); masking sets it to 0 where it lies outside.
 * @see Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL training" (truncated);
 *   Liu et al. 2025, "When speed kills stability" (masked, by sequence).
 */
import { TenetError } from '../base/index.ts';
import { type Counted, maskedCount } from './masked.ts';

/** Per token or per sequence; weights outside the limits are moved to them, or to 0. */
export const importanceModes = [
  'token_truncate',
  'token_mask',
  'sequence_truncate',
  'sequence_mask',
] as const;
export type ImportanceMode = (typeof importanceModes)[number];

export interface ImportanceWeights {
  /** [B, T] weight per token (a sequence's own at all its tokens); 0 where not counted. */
  readonly weights: Float32Array;
  /** Part of the counted tokens whose weight was truncated or masked. */
  readonly limitedFraction: number;
  /** Mean and largest |log π − log π_sampler| over counted tokens, nats: 0 when the two agree. */
  readonly meanLogGap: number;
  readonly maxLogGap: number;
}

/**
 * exp(log π − log π_sampler) per token, or exp of its sum per sequence, truncated or masked.
 *
 * A token whose sampler log-probability is NaN (not reported) is left uncorrected.
 * @param options.logProbs         [B, T] by the trainer with the weights that sampled
 * @param options.samplerLogProbs  [B, T] by the sampler
 * @param options.counted          [B, T] 1 = counted
 * @param options.sequences        B
 * @param options.mode             default sequence_mask (TRL)
 * @param options.low              lowest weight. Default 0 (none)
 * @param options.high             highest weight. Default 3 (TRL)
 */
export function importanceWeights(options: {
  readonly logProbs: Float32Array;
  readonly samplerLogProbs: Float32Array;
  readonly counted: Counted;
  readonly sequences: number;
  readonly mode?: ImportanceMode;
  readonly low?: number;
  readonly high?: number;
}): ImportanceWeights {
  const {
    logProbs,
    samplerLogProbs,
    counted,
    sequences,
    mode = 'sequence_mask',
    low = 0,
    high = 3,
  } = options;
  const tokens = counted.length / sequences;
  if (
    logProbs.length !== counted.length ||
    samplerLogProbs.length !== counted.length ||
    !Number.isInteger(tokens)
  ) {
    throw new TenetError(
      'shape',
      `importanceWeights: ${logProbs.length} and ${samplerLogProbs.length} log-probabilities and a mask of ` +
        `${counted.length} for ${sequences} sequences; the three must be B·T long`,
    );
  }
  if (!(low >= 0 && high > low)) {
    throw new TenetError('usage', `importanceWeights: needs 0 ≤ low < high, got low ${low} and high ${high}`);
  }
  const bySequence = mode === 'sequence_truncate' || mode === 'sequence_mask';
  const truncates = mode === 'token_truncate' || mode === 'sequence_truncate';
  const limit = (ratio: number): number =>
    ratio >= low && ratio <= high ? ratio : truncates ? Math.min(high, Math.max(low, ratio)) : 0;

  const weights = new Float32Array(counted.length);
  const gapAt = (i: number): number => {
    const gap = logProbs[i] - samplerLogProbs[i];
    return Number.isNaN(gap) ? 0 : gap;
  };
  let limited = 0;
  let total = 0;
  let largest = 0;
  for (let row = 0; row < sequences; row++) {
    let sum = 0;
    for (let i = row * tokens; i < (row + 1) * tokens; i++) {
      if (counted[i] === 0) continue;
      const gap = gapAt(i);
      sum += gap;
      total += Math.abs(gap);
      largest = Math.max(largest, Math.abs(gap));
    }
    for (let i = row * tokens; i < (row + 1) * tokens; i++) {
      if (counted[i] === 0) continue;
      const ratio = Math.exp(bySequence ? sum : gapAt(i));
      weights[i] = limit(ratio);
      if (ratio < low || ratio > high) limited++;
    }
  }
  const count = Math.max(1, maskedCount(counted));
  return { weights, limitedFraction: limited / count, meanLogGap: total / count, maxLogGap: largest };
}
