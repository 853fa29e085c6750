/** Thresholds from the share of harmless traffic that may be refused. */
import { TenetError } from '../../base/index.ts';
import { clopperPearsonInterval, type Interval } from '../../objective/index.ts';

/** Shares of harmless traffic refused that thresholds are set for. */
export const refusalRates = [0.001, 0.005, 0.01, 0.02, 0.05] as const;

export interface RefusalThreshold {
  /** Share of harmless traffic that was wanted to be refused at most. */
  readonly refusalRate: number;
  /** Scores of this and more are refused. */
  readonly threshold: number;
  /** Harmless texts that it was set on. */
  readonly benign: number;
  /** Part of them that it refuses, with Clopper and Pearson's 95 % interval. */
  readonly refused: Interval;
}

/**
 * The lowest threshold that refuses at most the wanted share of these scores, in the middle between two of them. No
 * threshold lets scores of 1 pass; `refused` tells where that is more than was wanted.
 * @param benign scores of harmless texts that were not trained on
 * @throws TenetError('usage') without scores, or for a share outside [0, 1)
 */
export function refusalThreshold(benign: readonly number[], refusalRate: number): RefusalThreshold {
  if (benign.length === 0 || !(refusalRate >= 0 && refusalRate < 1)) {
    throw new TenetError(
      'usage',
      `refusalThreshold: ${benign.length} harmless scores and a refusal rate of ${refusalRate}; it takes some, and a rate in [0, 1)`,
    );
  }
  const sorted = [...benign].sort((a, b) => b - a);
  let allowed = Math.floor(refusalRate * sorted.length + 1e-9);
  // Equal scores are refused together or not at all.
  while (allowed > 0 && sorted[allowed - 1] === sorted[allowed]) allowed--;
  const passed = sorted[allowed];
  const refusedLast = allowed === 0 ? 1 : sorted[allowed - 1];
  const middle = (passed + refusedLast) / 2;
  // Between two neighbouring numbers there is none.
  const threshold = middle > passed ? middle : refusedLast;
  const refused = sorted.filter((score) => score >= threshold).length;
  return {
    refusalRate,
    threshold,
    benign: sorted.length,
    refused: clopperPearsonInterval(refused, sorted.length),
  };
}
