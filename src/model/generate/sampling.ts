/** Choosing the next token from a probability distribution. */
import type { Random } from '../../base/index.ts';
import { TenetError } from '../../base/index.ts';
import { keepLikely } from './keep-likely.ts';

/** What a request may ask of sampling. The order: penalty, temperature, top-k, top-p, min-p, draw. */
export interface SamplingOptions {
  /** Logits are divided by it; 0 = always the most likely token. Default 1. */
  readonly temperature?: number;
  /** Keep only the k most likely tokens; 0 = all. Default 0. */
  readonly topK?: number;
  /** Of these, keep the fewest most likely tokens that hold this share of their probability; 1 = all. Default 1. Holtzman et al. 2019, arXiv:1904.09751. */
  readonly topP?: number;
  /** Of these, keep tokens at least this likely relative to the most likely one; 0 = all. Default 0. Nguyen et al. 2024, arXiv:2407.01082. */
  readonly minP?: number;
  /**
   * Divides positive and multiplies negative logits of tokens already seen; 1 = off. Default 1.
   * Keskar et al. 2019, arXiv:1909.05858, section 4.1.
   */
  readonly repetitionPenalty?: number;
}

/** @throws TenetError('usage') naming every option outside its range. */
export function checkSamplingOptions(options: SamplingOptions): Required<SamplingOptions> {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const problems: string[] = [];
  if (!(temperature >= 0))
    problems.push(`temperature is ${temperature}, must be ≥ 0 (0 = most likely token)`);
  if (!(Number.isInteger(topK) && topK >= 0))
    problems.push(`topK is ${topK}, must be a whole number ≥ 0 (0 = all)`);
  if (!(topP > 0 && topP <= 1)) problems.push(`topP is ${topP}, must be in (0, 1] (1 = all)`);
  if (!(minP >= 0 && minP <= 1)) problems.push(`minP is ${minP}, must be in [0, 1] (0 = all)`);
  if (!(repetitionPenalty > 0))
    problems.push(`repetitionPenalty is ${repetitionPenalty}, must be > 0 (1 = off)`);
  if (problems.length) throw new TenetError('usage', `Sampling: ${problems.join('; ')}`);
  return { temperature, topK, topP, minP, repetitionPenalty };
}

/** The most likely token; the lowest id among equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/**
 * Draws one token.
 * @param probabilities [V] softmax of the logits, temperature applied; sums to 1 up to rounding
 */
export function drawToken(
  probabilities: Float32Array,
  options: Required<SamplingOptions>,
  random: Random,
): number {
  const { topK, topP, minP } = options;
  if (topK > 0 || topP < 1 || minP > 0)
    return drawFrom(keepLikely(probabilities, options), probabilities, random);
  // No filter: walk the distribution until it passes a uniform number. Rounding may leave the total a little
  // under 1; the walk then ends on the last token that is possible at all.
  const target = random.uniform();
  let cumulative = 0;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    if (p === 0) continue;
    cumulative += p;
    last = i;
    if (cumulative > target) return i;
  }
  return last;
}

function drawFrom(ids: readonly number[], probabilities: Float32Array, random: Random): number {
  let total = 0;
  for (const id of ids) total += probabilities[id];
  const target = random.uniform() * total;
  let cumulative = 0;
  for (const id of ids) {
    cumulative += probabilities[id];
    if (cumulative > target) return id;
  }
  return ids[ids.length - 1];
}

/**
 * Softmax of penalised logits, in place of the engine's own when a repetition penalty is asked for.
 * @param logits [V] raw
 * @param seen   ids in the prompt and the response so far
 * @returns      [V] probabilities at the temperature (1 if it is 0)
 */
export function penalisedProbabilities(
  logits: Float32Array,
  seen: ReadonlySet<number>,
  options: Required<SamplingOptions>,
): Float32Array {
  const penalised = logits.slice();
  for (const id of seen) {
    penalised[id] =
      logits[id] > 0 ? logits[id] / options.repetitionPenalty : logits[id] * options.repetitionPenalty;
  }
  const temperature = options.temperature || 1;
  const largest = penalised[argmax(penalised)];
  let total = 0;
  for (let i = 0; i < penalised.length; i++)
    total += penalised[i] = Math.exp((penalised[i] - largest) / temperature);
  for (let i = 0; i < penalised.length; i++) penalised[i] /= total;
  return penalised;
}
