/** Log-probabilities from logits, in double precision. Shape: V vocabulary. */
import { argmax } from './sampling.ts';

/** Logarithm of the sum of exp(logit / temperature): what a scaled logit is less than its log-probability by. */
export function logNormaliser(logits: Float32Array, temperature: number): number {
  const largest = logits[argmax(logits)];
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] - largest) / temperature);
  return largest / temperature + Math.log(total);
}

/**
 * The `count` largest entries' ids, largest first; the lower id first among equals.
 * @param logits [V]
 */
export function mostLikely(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  const size = Math.min(count, logits.length);
  if (size === 0) return best;
  for (let id = 0; id < logits.length; id++) {
    if (best.length === size && !(logits[id] > logits[best[size - 1]])) continue;
    let place = Math.min(best.length, size - 1);
    for (; place > 0 && logits[id] > logits[best[place - 1]]; place--) best[place] = best[place - 1];
    best[place] = id;
  }
  return best;
}
