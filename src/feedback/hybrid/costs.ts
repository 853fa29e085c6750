/** What labels cost: people by the hour, judges by the token. */
import { z } from 'zod';

/** Seconds of a person for a label where none has been measured: of a pair of short texts (AlpacaEval: 36.8 s). */
export const usualSecondsPerLabel = 37;
/** How often two people prefer the same response where it has not been measured (Ouyang et al. 2022: 72.6 %). */
export const usualHumanAgreement = 0.726;

export const costOptions = z.strictObject({
  ratePerHour: z
    .number()
    .min(0)
    .default(30)
    .describe('US dollars for an hour of an annotator (AlpacaEval paid 300 dollars for 10.2 hours).'),
  secondsPerLabel: z
    .number()
    .positive()
    .optional()
    .describe(
      'Seconds of a person for a label. Default: the median of those measured, else 37 (AlpacaEval, pairs of short texts).',
    ),
});
export type CostOptions = z.infer<typeof costOptions>;

/** US dollars and hours of people for labels. */
export function peopleCost(
  labels: number,
  { ratePerHour, secondsPerLabel = usualSecondsPerLabel }: CostOptions,
): { readonly costUsd: number; readonly hours: number } {
  const hours = (labels * secondsPerLabel) / 3600;
  return { costUsd: hours * ratePerHour, hours };
}

/** Median of measured milliseconds, in seconds; undefined for none. */
export function medianSeconds(times: readonly number[]): number | undefined {
  const median = medianOf(times);
  return median === undefined ? undefined : median / 1000;
}

export function medianOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
