/** Picks the tokens at which the model is least certain, where most of what can be learnt is decided. */
import { TenetError } from '../base/index.ts';
import type { Counted, Values } from './masked.ts';
import { sampleQuantile } from './quantiles.ts';

/**
 * 1 for counted tokens whose entropy is at or above the quantile 1 − part of all counted tokens' entropies.
 * @param options.entropy entropy of each token's distribution, nats, any layout
 * @param options.counted 1 = counted
 * @param options.part    part of the tokens to keep, in [0, 1]; the paper 0.2
 * @returns 1 = kept, 0 = not, also where not counted
 * @see Wang et al. 2025, "Beyond the 80/20 rule", arXiv:2506.01939.
 */
export function highEntropyMask(options: {
  readonly entropy: Values;
  readonly counted: Counted;
  readonly part: number;
}): Float32Array {
  const { entropy, counted, part } = options;
  if (entropy.length !== counted.length || !(part >= 0 && part <= 1)) {
    throw new TenetError(
      'usage',
      `highEntropyMask: ${entropy.length} entropies, a mask of ${counted.length} and part ${part}; the first two must ` +
        'be equally long and part in [0, 1]',
    );
  }
  const known = Float64Array.from(Array.from(entropy).filter((_, i) => counted[i] !== 0)).sort();
  const threshold = sampleQuantile(known, 1 - part);
  return Float32Array.from(entropy, (value, i) => (counted[i] !== 0 && value >= threshold ? 1 : 0));
}
