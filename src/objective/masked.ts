/**
 * Statistics over counted values only, on arrays.
 *
 * `counted` holds 1 where a value counts and 0 where it does not (padding, prompt). It has the length of
 * `values`; what stands at uncounted places is never read, so it may be anything, NaN included.
 */
import { TenetError } from '../base/index.ts';

/** A mask as an array: 1 = counted, 0 = not. */
export type Counted = Float32Array | Uint8Array;

/** Numbers to be averaged: a typed array, or a list. */
export type Values = Float32Array | Float64Array | readonly number[];

function checkLengths(name: string, values: Values, counted: Counted): void {
  if (values.length === counted.length) return;
  throw new TenetError(
    'shape',
    `${name}: ${values.length} values but a mask of ${counted.length}; both must have one entry per value`,
  );
}

function checkCount(name: string, count: number, least: number): void {
  if (count >= least) return;
  throw new TenetError(
    'training',
    `${name}: the mask counts ${count} of its values, and at least ${least} ${least === 1 ? 'is' : 'are'} needed; ` +
      'use a larger batch, or find out why its tokens are masked out',
    { details: { maskSum: count } },
  );
}

/** How many values count. */
export function maskedCount(counted: Counted): number {
  let count = 0;
  for (let i = 0; i < counted.length; i++) if (counted[i] !== 0) count++;
  return count;
}

/** Sum of the counted values; 0 when none counts. */
export function maskedSum(values: Values, counted: Counted): number {
  checkLengths('maskedSum', values, counted);
  let total = 0;
  for (let i = 0; i < values.length; i++) if (counted[i] !== 0) total += values[i];
  return total;
}

/**
 * Mean of the counted values.
 * @throws TenetError('training') when no value counts
 */
export function maskedMean(values: Values, counted: Counted): number {
  const count = maskedCount(counted);
  checkCount('maskedMean', count, 1);
  return maskedSum(values, counted) / count;
}

/**
 * Variance of the counted values, with Bessel's correction (divided by the count less one), as in TRL's PPO.
 * @throws TenetError('training') naming the mask's sum when fewer than two values count
 */
export function maskedVariance(values: Values, counted: Counted): number {
  const count = maskedCount(counted);
  checkCount('maskedVariance', count, 2);
  const mean = maskedMean(values, counted);
  let squares = 0;
  for (let i = 0; i < values.length; i++) if (counted[i] !== 0) squares += (values[i] - mean) ** 2;
  return squares / (count - 1);
}

/**
 * The counted values scaled to unit variance, and moved to mean 0 unless `keepMean`; 0 where not counted.
 *
 * (x − mean) / √(variance + eps), with Bessel's correction.
 * @param options.keepMean true leaves the mean where it was, as for rewards, whose sign matters. Default false.
 * @param options.eps added to the variance. Default 1e-8 (TRL's PPO, after lm-human-preferences).
 * @throws TenetError('training') naming the mask's sum when fewer than two values count
 */
export function maskedWhiten(
  values: Values,
  counted: Counted,
  options: { readonly keepMean?: boolean; readonly eps?: number } = {},
): Float32Array {
  const scale = 1 / Math.sqrt(maskedVariance(values, counted) + (options.eps ?? 1e-8));
  const mean = maskedMean(values, counted);
  const shift = options.keepMean ? mean : 0;
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (counted[i] !== 0) result[i] = (values[i] - mean) * scale + shift;
  }
  return result;
}
