/**
 * Estimates of what people would say of all items, from people's labels of a few and a judge's of all.
 *
 *     θ = λ · mean(f over all others) + mean(y − λ · f over those labelled)
 *
 * f is what the judge predicts, y what people said. The judge may be as wrong as it likes: the second mean takes its error
 * out again, and only the width of the interval depends on how good it is. λ is chosen so that it is smallest; a judge that
 * knows nothing gets λ = 0, and what is left is the mean of people's labels.
 *
 * @see Angelopoulos et al. 2023, arXiv:2301.09633 (prediction-powered inference), 2311.01453 (choice of λ)
 */
import { meanOf, TenetError } from '../../base/index.ts';
import { type Interval, studentQuantile } from '../../objective/index.ts';

export interface LabelledValue {
  /** What people said, such as 1 where they agree with the judge and 0 where they do not. */
  readonly label: number;
  /** What was predicted without them, in the same unit. */
  readonly prediction: number;
}

export interface PoweredEstimate extends Interval {
  /** λ: how far predictions are followed; 0 = not at all, 1 = as they are. */
  readonly trust: number;
  /** From people's labels alone. */
  readonly classical: Interval;
}

/**
 * @param labelled   a random sample
 * @param unlabelled predictions of the items that people have not labelled
 * @param confidence default 0.95
 * @throws TenetError('usage') for fewer than two labelled values
 */
export function predictionPoweredMean(
  labelled: readonly LabelledValue[],
  unlabelled: readonly number[],
  confidence = 0.95,
): PoweredEstimate {
  const [n, N] = [labelled.length, unlabelled.length];
  if (n < 2) {
    throw new TenetError('usage', `${n} labels of people give no interval; at least 2 are needed.`);
  }
  const t = studentQuantile((1 + confidence) / 2, n - 1);
  const labels = labelled.map(({ label }) => label);
  const predictions = labelled.map(({ prediction }) => prediction);
  const classical = around(meanOf(labels), t * Math.sqrt(covariance(labels, labels) / n));
  if (N < 2) return { ...classical, trust: 0, classical };

  // The variance λ² · var(f)/N + (var(y) − 2λ cov(y, f) + λ² var(f))/n is smallest at cov / (var(f) · (1 + n/N)).
  const all = [...predictions, ...unlabelled];
  const spread = covariance(all, all);
  const trust = spread === 0 ? 0 : covariance(labels, predictions) / (spread * (1 + n / N));
  const rests = labelled.map(({ label, prediction }) => label - trust * prediction);
  const variance = (trust ** 2 * covariance(unlabelled, unlabelled)) / N + covariance(rests, rests) / n;
  const estimate = trust * meanOf(unlabelled) + meanOf(rests);
  return { ...around(estimate, t * Math.sqrt(variance)), trust, classical };
}

function around(estimate: number, half: number): Interval {
  return { estimate, low: estimate - half, high: estimate + half };
}

function covariance(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - meanA) * (b[i] - meanB);
  return sum / Math.max(1, a.length - 1);
}
