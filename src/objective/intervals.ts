/** Confidence intervals: what is reported beside every accuracy, mean and difference. */
import { Random, TenetError } from '../base/index.ts';
import type { Values } from './masked.ts';
import { binomialCumulative, normalQuantile, sampleQuantile, studentQuantile } from './quantiles.ts';

export interface Interval {
  /** The observed value. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

const usualConfidence = 0.95;

/**
 * Wilson's interval for a proportion; sound for small samples and near 0 and 1, where ± 2 standard errors is not.
 * @param successes may be fractional (a coin flip counts ½)
 * @param trials    > 0
 * @param confidence default 0.95
 * @see Wilson 1927, J. Am. Stat. Assoc. 22.
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  confidence: number = usualConfidence,
): Interval {
  if (!(trials > 0 && successes >= 0 && successes <= trials)) {
    throw new TenetError(
      'usage',
      `wilsonInterval: ${successes} successes of ${trials} trials are impossible`,
    );
  }
  const z = normalQuantile((1 + confidence) / 2);
  const p = successes / trials;
  const denominator = 1 + (z * z) / trials;
  const centre = (p + (z * z) / (2 * trials)) / denominator;
  const half = (z / denominator) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  return {
    estimate: p,
    low: successes === 0 ? 0 : centre - half,
    high: successes === trials ? 1 : centre + half,
  };
}

/**
 * Clopper and Pearson's interval for a proportion: covers with at least the confidence whatever the proportion is, and is
 * wider for it than Wilson's. For guarantees.
 * @see Clopper and Pearson 1934, Biometrika 26.
 */
export function clopperPearsonInterval(
  successes: number,
  trials: number,
  confidence: number = usualConfidence,
): Interval {
  const isPossible = Number.isInteger(successes) && trials > 0 && successes >= 0 && successes <= trials;
  if (!isPossible) {
    throw new TenetError(
      'usage',
      `clopperPearsonInterval: ${successes} successes of ${trials} trials are impossible`,
    );
  }
  const tail = (1 - confidence) / 2;
  return {
    estimate: successes / trials,
    // Where so many successes or more, or so few or fewer, are only just likely enough.
    low: successes === 0 ? 0 : whereFalls((p) => binomialCumulative(successes - 1, trials, p), 1 - tail),
    high: successes === trials ? 1 : whereFalls((p) => binomialCumulative(successes, trials, p), tail),
  };
}

/** The p in [0, 1] at which a falling function passes a value. */
function whereFalls(of: (p: number) => number, value: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (of(middle) > value) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Student's interval for a mean: mean ± t · deviation / √n.
 * @throws TenetError('usage') for fewer than two values
 */
export function studentInterval(values: Values, confidence: number = usualConfidence): Interval {
  const n = values.length;
  if (n < 2) {
    throw new TenetError('usage', `studentInterval: ${n} values have no spread; at least 2 are needed`);
  }
  const estimate = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - estimate) ** 2;
  const half = studentQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { estimate, low: estimate - half, high: estimate + half };
}

export interface BootstrapOptions {
  /** Same seed, same interval. */
  readonly seed: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly confidence?: number;
}

/**
 * Percentile bootstrap interval of a mean.
 *
 * For the difference of two conditions measured on the same prompts (paired) pass the differences: the variation
 * between prompts then cancels.
 * @see Efron 1979, Ann. Statist. 7.
 */
export function bootstrapMean(values: Values, options: BootstrapOptions): Interval {
  return bootstrap(meanOf(values), options, (random) => resampledMean(values, random));
}

/** Percentile bootstrap interval of mean(a) − mean(b), for independent samples (unpaired). */
export function bootstrapDifference(a: Values, b: Values, options: BootstrapOptions): Interval {
  return bootstrap(
    meanOf(a) - meanOf(b),
    options,
    (random) => resampledMean(a, random) - resampledMean(b, random),
  );
}

function bootstrap(estimate: number, options: BootstrapOptions, draw: (random: Random) => number): Interval {
  const { seed, resamples = 2000, confidence = usualConfidence } = options;
  const random = new Random(seed);
  const draws = Float64Array.from({ length: resamples }, () => draw(random)).sort();
  const tail = (1 - confidence) / 2;
  return { estimate, low: sampleQuantile(draws, tail), high: sampleQuantile(draws, 1 - tail) };
}

function resampledMean(values: Values, random: Random): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[random.int(values.length)];
  return total / values.length;
}

function meanOf(values: Values): number {
  if (values.length === 0) throw new TenetError('usage', 'interval: there are no values to take a mean of');
  let total = 0;
  for (const value of values) total += value;
  return total / values.length;
}
