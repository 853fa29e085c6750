/** What clipping did to a policy gradient step. */
import { add, and, greater, less, max, negate, type Tensor, toReal } from '../tensor/index.ts';

/** Parts of the counted tokens, or of the sequences where the ratio is one per sequence. */
export interface ClipMetrics {
  /** Ratio below the range with a negative advantage. */
  readonly clipRatioLowMean: Tensor;
  /** Ratio above the range with a positive advantage. */
  readonly clipRatioHighMean: Tensor;
  /** Either. */
  readonly clipRatioRegionMean: Tensor;
  /** The sequence with the smallest part clipped from below, and the one with the largest from above. */
  readonly clipRatioLowMin: Tensor;
  readonly clipRatioHighMax: Tensor;
}

/**
 * @param options.ratio       importance ratios, per token or per sequence
 * @param options.advantages  in the same shape
 * @param options.mean        averages over all counted tokens, or all sequences
 * @param options.perSequence one value per sequence from values in the shape of the ratios
 */
export function clipMetrics(options: {
  readonly ratio: Tensor;
  readonly advantages: Tensor;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly mean: (values: Tensor) => Tensor;
  readonly perSequence: (values: Tensor) => Tensor;
}): ClipMetrics {
  const { ratio, advantages, epsilon, epsilonHigh, mean, perSequence } = options;
  const low = toReal(and(less(ratio, 1 - epsilon), less(advantages, 0)));
  const high = toReal(and(greater(ratio, 1 + epsilonHigh), greater(advantages, 0)));
  return {
    clipRatioLowMean: mean(low),
    clipRatioHighMean: mean(high),
    clipRatioRegionMean: mean(add(low, high)),
    clipRatioLowMin: negate(max(negate(perSequence(low)))),
    clipRatioHighMax: max(perSequence(high)),
  };
}
