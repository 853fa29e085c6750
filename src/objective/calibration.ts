/** How good a reward model's preferences are: how often right, and whether its confidence can be trusted. */
import { sigmoid, TenetError } from '../base/index.ts';
import { type Interval, wilsonInterval } from './intervals.ts';
import type { Values } from './masked.ts';

export interface CalibrationBin {
  /** Pairs in the bin. */
  readonly count: number;
  /** Mean predicted probability, in [0, 1]. */
  readonly confidence: number;
  /** Part of them that came true. */
  readonly accuracy: number;
}

/**
 * Expected calibration error: mean over bins of |accuracy − confidence|, weighted by count.
 * @param probabilities predicted probability of each event, in [from, 1]
 * @param outcomes      1 = it happened, 0 = not
 * @param options.bins  bins of equal width. Default 10
 * @param options.from  lowest possible probability. Default 0; ½ for the confidence in the preferred of two
 * @returns the error, and the bins that are not empty, in ascending order
 * @see Guo et al. 2017, arXiv:1706.04599, eq. 3.
 */
export function expectedCalibrationError(
  probabilities: Values,
  outcomes: Values,
  options: { readonly bins?: number; readonly from?: number } = {},
): { readonly error: number; readonly bins: readonly CalibrationBin[] } {
  const { bins: binCount = 10, from = 0 } = options;
  const total = probabilities.length;
  if (total === 0 || outcomes.length !== total) {
    throw new TenetError(
      'usage',
      `expectedCalibrationError: ${total} probabilities and ${outcomes.length} outcomes; both must be equally many, and some`,
    );
  }
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, hits: 0 }));
  for (let i = 0; i < total; i++) {
    const place = Math.floor(((probabilities[i] - from) / (1 - from)) * binCount);
    const bin = sums[Math.min(binCount - 1, Math.max(0, place))];
    bin.count++;
    bin.confidence += probabilities[i];
    bin.hits += outcomes[i];
  }
  const bins = sums
    .filter(({ count }) => count > 0)
    .map(({ count, confidence, hits }) => ({
      count,
      confidence: confidence / count,
      accuracy: hits / count,
    }));
  const error = bins.reduce(
    (sum, bin) => sum + (bin.count / total) * Math.abs(bin.accuracy - bin.confidence),
    0,
  );
  return { error, bins };
}

export interface PairCalibration {
  /** Pairs that were judged (ties left out by the caller). */
  readonly pairs: number;
  /** Part scored in the labels' order, with a Wilson interval; equal scores count ½. */
  readonly accuracy: Interval;
  /** Mean r_better − r_worse, score units. */
  readonly meanMargin: number;
  /** Mean −log σ(margin), nats; log 2 = 0.693 for a model that knows nothing. */
  readonly logLoss: number;
  /** Expected calibration error of σ(|margin|), the confidence in the response it prefers. */
  readonly calibrationError: number;
  readonly bins: readonly CalibrationBin[];
}

/**
 * Accuracy, margin and calibration of Bradley–Terry scores on held-out pairs.
 * @param margins       r_better − r_worse of each decided pair, score units
 * @param options.bins  bins over [½, 1]. Default 10
 * @param options.confidence of the interval. Default 0.95
 * @throws TenetError('usage') without pairs
 */
export function pairCalibration(
  margins: Values,
  options: { readonly bins?: number; readonly confidence?: number } = {},
): PairCalibration {
  const pairs = margins.length;
  if (pairs === 0)
    throw new TenetError('usage', 'pairCalibration: there are no held-out pairs to measure on');
  const confidences = Float64Array.from(margins, (margin) => sigmoid(Math.abs(margin)));
  const hits = Float64Array.from(margins, (margin) => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0));
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const { error, bins } = expectedCalibrationError(confidences, hits, { bins: options.bins, from: 0.5 });
  return {
    pairs,
    accuracy: wilsonInterval(sum(hits), pairs, options.confidence),
    meanMargin: sum(Float64Array.from(margins)) / pairs,
    logLoss: sum(Float64Array.from(margins, negativeLogSigmoid)) / pairs,
    calibrationError: error,
    bins,
  };
}

function negativeLogSigmoid(x: number): number {
  return Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
