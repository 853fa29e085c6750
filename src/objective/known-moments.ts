/** Mean and spread of numbers of which some are missing: of rewards, where some responses could not be scored. */
import type { Values } from './masked.ts';

export interface KnownMoments {
  readonly count: number;
  readonly sum: number;
  /** NaN of none. */
  readonly mean: number;
  /** With Bessel's correction; 0 of fewer than two. */
  readonly deviation: number;
}

/** Of the values from `start` to before `end` that are not NaN. */
export function knownMoments(values: Values, start = 0, end: number = values.length): KnownMoments {
  let [count, sum] = [0, 0];
  for (let i = start; i < end; i++) {
    if (Number.isNaN(values[i])) continue;
    count++;
    sum += values[i];
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = start; i < end; i++) if (!Number.isNaN(values[i])) squares += (values[i] - mean) ** 2;
  return { count, sum, mean, deviation: count < 2 ? 0 : Math.sqrt(squares / (count - 1)) };
}
