/**
 * Rotary position embedding: the angle per position of each pair of dimensions, with context scaling.
 *
 * Su et al. 2021 (arXiv:2104.09864): pair i of d dimensions turns by θ^(-2i/d) per position. The scaling
 * variants and their key names are those of Hugging Face transformers 5 (`rope_parameters`). Intermediate
 * results are rounded to float32 as there, because an error of one part in 10^8 is visible at position 10^5.
 */
import type { RotaryConfig } from './decoder-config.ts';

/** `rope_parameters` of a configuration, defaults filled in. */
export interface RotaryParameters {
  readonly type: 'default' | 'linear' | 'dynamic' | 'yarn' | 'llama3';
  /** θ, the base of the wavelengths (`rope_theta`). */
  readonly theta: number;
  /** How much longer the context became (all types but `default`). */
  readonly factor: number;
  /** Context length before scaling, in tokens (yarn, llama3). */
  readonly originalMaxPositions: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  /** Null: derived from `factor`, and from both `mscale`s where given. */
  readonly attentionFactor: number | null;
  readonly mscale: number | null;
  readonly mscaleAllDimensions: number | null;
  readonly truncate: boolean;
}

const { fround, log, PI } = Math;

/**
 * The frequencies for a head.
 *
 * `dynamic` changes its frequencies only beyond `max_position_embeddings`; up to there, which is all that
 * Tenet computes, it equals `default`.
 * @param dimensions rotated dimensions of a head. An odd number d gives (d + 1) / 2 pairs, so that one more
 * dimension turns, but the exponents stay those of d (as in transformers).
 */
export function rotaryConfig(dimensions: number, parameters: RotaryParameters): RotaryConfig {
  // powers[i] = θ^(2i/d), so that the inverse frequency is its reciprocal
  const powers = Array.from({ length: Math.ceil(dimensions / 2) }, (_, i) =>
    fround(parameters.theta ** fround((2 * i) / dimensions)),
  );
  const plain = powers.map((power) => fround(1 / power));
  switch (parameters.type) {
    case 'linear':
      return withFrequencies(plain.map((frequency) => fround(frequency / parameters.factor)));
    case 'llama3':
      return withFrequencies(plain.map((frequency) => scaleLlama3(frequency, parameters)));
    case 'yarn':
      return withFrequencies(scaleYarn(powers, parameters), yarnAttentionFactor(parameters));
    default:
      return withFrequencies(plain);
  }
}

function withFrequencies(inverseFrequencies: number[], attentionFactor = 1): RotaryConfig {
  return { dimensions: 2 * inverseFrequencies.length, inverseFrequencies, attentionFactor };
}

/** Llama 3.1: short wavelengths stay, long ones stretch by `factor`, those between blend linearly. */
function scaleLlama3(frequency: number, parameters: RotaryParameters): number {
  const { factor, originalMaxPositions, lowFrequencyFactor: low, highFrequencyFactor: high } = parameters;
  const wavelength = fround((2 * PI) / frequency);
  if (wavelength < originalMaxPositions / high) return frequency;
  if (wavelength > originalMaxPositions / low) return fround(frequency / factor);
  const blend = fround(fround(fround(originalMaxPositions / wavelength) - low) / (high - low));
  return fround(fround(fround(fround(1 - blend) * frequency) / factor) + fround(blend * frequency));
}

/** YaRN (Peng et al. 2023, arXiv:2309.00071, section 3.2): interpolate only what turns slowly. */
function scaleYarn(powers: readonly number[], parameters: RotaryParameters): number[] {
  const { theta, factor, originalMaxPositions, betaFast, betaSlow, truncate } = parameters;
  const dimensions = 2 * powers.length;
  // The (fractional) pair that makes this many turns over the original context.
  const pairOfTurns = (turns: number): number =>
    (dimensions * log(originalMaxPositions / (turns * 2 * PI))) / (2 * log(theta));
  const first = truncate ? Math.floor(pairOfTurns(betaFast)) : pairOfTurns(betaFast);
  const last = truncate ? Math.ceil(pairOfTurns(betaSlow)) : pairOfTurns(betaSlow);
  const low = Math.max(first, 0);
  let high = Math.min(last, dimensions - 1);
  if (low === high) high += 0.001;
  return powers.map((power, i) => {
    const ramp = fround(Math.min(Math.max((i - low) / (high - low), 0), 1)); // 0 keep … 1 interpolate
    const keep = fround(1 - ramp);
    const kept = fround(fround(1 / power) * keep);
    return fround(fround(fround(1 / fround(factor * power)) * fround(1 - keep)) + kept);
  });
}

function yarnAttentionFactor({
  attentionFactor,
  factor,
  mscale,
  mscaleAllDimensions,
}: RotaryParameters): number {
  if (attentionFactor !== null) return attentionFactor;
  const scaleOf = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1);
  return mscale && mscaleAllDimensions ? scaleOf(mscale) / scaleOf(mscaleAllDimensions) : scaleOf(1);
}
