/** How well scores tell two kinds apart, over all thresholds. */
import { TenetError } from '../base/index.ts';
import type { Interval } from './intervals.ts';
import type { Values } from './masked.ts';
import { normalQuantile } from './quantiles.ts';

export interface RocPoint {
  /** Scores of this and more are flagged. */
  readonly threshold: number;
  /** Part of the negatives that is flagged. */
  readonly falsePositive: number;
  /** Part of the positives that is flagged. */
  readonly truePositive: number;
}

/**
 * The curve from (0, 0) to (1, 1), one point for each distinct score, the highest first.
 * @throws TenetError('usage') unless both kinds have scores
 */
export function rocCurve(positives: Values, negatives: Values): RocPoint[] {
  if (positives.length === 0 || negatives.length === 0) {
    throw new TenetError(
      'usage',
      `rocCurve: ${positives.length} positives and ${negatives.length} negatives; both are needed`,
    );
  }
  const all = [
    ...Array.from(positives, (score) => ({ score, positive: 1 })),
    ...Array.from(negatives, (score) => ({ score, positive: 0 })),
  ].sort((a, b) => b.score - a.score);
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, falsePositive: 0, truePositive: 0 }];
  let [hits, alarms] = [0, 0];
  all.forEach(({ score, positive }, i) => {
    hits += positive;
    alarms += 1 - positive;
    if (all[i + 1]?.score === score) return;
    points.push({
      threshold: score,
      falsePositive: alarms / negatives.length,
      truePositive: hits / positives.length,
    });
  });
  return points;
}

/**
 * Area under the curve: the probability that a positive scores above a negative, ties counting half; with an interval. Where
 * the two are told apart without a mistake, the standard error is 0 and says nothing; the interval then ends where the
 * standard error of a smaller area would just explain so much luck.
 * @see Hanley and McNeil 1982, Radiology 143, for the standard error
 */
export function areaUnderRoc(positives: Values, negatives: Values, confidence: number = 0.95): Interval {
  const points = rocCurve(positives, negatives);
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [before, now] = [points[i - 1], points[i]];
    area += ((now.falsePositive - before.falsePositive) * (now.truePositive + before.truePositive)) / 2;
  }
  const [m, n] = [positives.length, negatives.length];
  const z = normalQuantile((1 + confidence) / 2);
  // Scores turned around make negatives of positives.
  if (area === 0) return { estimate: 0, low: 0, high: 1 - leastArea(n, m, z) };
  // Of sums of parts that are not exact; a single tie among a million pairs is further from 1.
  if (area > 1 - 1e-12) return { estimate: 1, low: leastArea(m, n, z), high: 1 };
  const half = z * standardError(area, m, n);
  return { estimate: area, low: Math.max(0, area - half), high: Math.min(1, area + half) };
}

/** Of an area, from m positives and n negatives. */
function standardError(area: number, m: number, n: number): number {
  const [q1, q2] = [area / (2 - area), (2 * area * area) / (1 + area)];
  const variance =
    (area * (1 - area) + (m - 1) * (q1 - area * area) + (n - 1) * (q2 - area * area)) / (m * n);
  return Math.sqrt(Math.max(0, variance));
}

/** The smallest area from which an observed one of 1 is no further than z standard errors. */
function leastArea(m: number, n: number, z: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (1 - middle > z * standardError(middle, m, n)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
