/**
 * Statistics over counted values only, in a graph.
 *
 * `counted` is a real tensor of the shape of `values`, 1 where a value counts and 0 where it does not. What
 * stands at uncounted places is replaced before it is used, so neither values nor gradients there matter.
 */
import {
  add,
  divide,
  greater,
  maximum,
  reshape,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
  toReal,
  where,
} from '../tensor/index.ts';

/** The values where counted, 0 elsewhere; no gradient flows to uncounted places. */
export function keepCounted(values: Tensor, counted: Tensor): Tensor {
  return where(greater(counted, 0), values, 0);
}

/** Sum of the counted values, a scalar. */
export function maskedSumTensor(values: Tensor, counted: Tensor): Tensor {
  return sum(keepCounted(values, counted));
}

/** How many values count, at least 1, a scalar: what a mean divides by. */
export function maskedCountTensor(counted: Tensor): Tensor {
  return maximum(sum(counted), 1);
}

/**
 * Sum of the counted values divided by `normaliser`, a scalar.
 *
 * Given the count of the whole accumulated batch, the results of its micro-batches add up to the batch's mean,
 * whatever their lengths; and so do their gradients.
 * @param normaliser scalar. Default: the count in this mask (1 when nothing counts), which makes it a mean.
 */
export function maskedMeanTensor(values: Tensor, counted: Tensor, normaliser?: Tensor): Tensor {
  return divide(maskedSumTensor(values, counted), normaliser ?? maskedCountTensor(counted));
}

/** Variance of the counted values with Bessel's correction, a scalar. Not finite when fewer than two count. */
export function maskedVarianceTensor(values: Tensor, counted: Tensor): Tensor {
  const kept = keepCounted(values, counted);
  const centred = subtract(kept, maskedMeanTensor(kept, counted));
  return divide(maskedSumTensor(square(centred), counted), subtract(sum(counted), 1));
}

/**
 * The counted values scaled to unit variance, and moved to mean 0 unless `keepMean`; 0 where not counted.
 * @param options.keepMean true leaves the mean where it was. Default false.
 * @param options.eps added to the variance. Default 1e-8.
 */
export function maskedWhitenTensor(
  values: Tensor,
  counted: Tensor,
  options: { readonly keepMean?: boolean; readonly eps?: number } = {},
): Tensor {
  const kept = keepCounted(values, counted);
  const mean = maskedMeanTensor(kept, counted);
  const deviation = sqrt(add(maskedVarianceTensor(kept, counted), options.eps ?? 1e-8));
  const scaled = divide(subtract(kept, mean), deviation);
  return keepCounted(options.keepMean ? add(scaled, mean) : scaled, counted);
}

/** The part of the counted values for which `condition` (bool) holds, of `normaliser` values; no gradient. */
export function maskedFraction(condition: Tensor, counted: Tensor, normaliser?: Tensor): Tensor {
  return divide(sum(where(condition, counted, 0)), normaliser ?? maskedCountTensor(counted));
}

/** A tensor's first dimension (sequences, pairs) as a real scalar. */
export function rowCountTensor(x: Tensor): Tensor {
  return reshape(toReal(x.graph.dimTensor(x.shape[0])), []);
}
