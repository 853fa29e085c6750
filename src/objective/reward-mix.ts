/**
 * Several objectives into one reward per response.
 *
 * Shapes: K objectives, B responses in groups that stand together.
 */
import { TenetError } from '../base/index.ts';
import { type KnownMoments, knownMoments } from './known-moments.ts';
import type { Values } from './masked.ts';

/** TRL's names. */
export const rewardAggregations = ['sum_then_normalize', 'normalize_then_sum'] as const;
export type RewardAggregation = (typeof rewardAggregations)[number];

/** Added to deviations, as GRPO's implementations do (TRL). */
const deviationEps = 1e-4;

/**
 * Sums objectives by their coefficients.
 *
 * An objective that does not apply to a response (NaN) neither rewards nor punishes it: in its place stands the mean of
 * those responses to the same prompt to which it applies, else of those of the batch. Zero in its place would be a
 * verdict: below the others where values are positive, above them where they are negative.
 *
 * `sum_then_normalize` sums the values as they are, and leaves normalising to the method that learns from them.
 * `normalize_then_sum` first turns each objective into standard scores within its group (within the batch where groups
 * are of one), so that one with a large spread cannot drown the others.
 * @param options.values       [K][B] NaN = does not apply
 * @param options.coefficients [K] what each counts; negative for what is to be small
 * @param options.groupSize    responses to each prompt; 1 = there are no groups
 * @returns [B]; NaN where no objective that counts applies
 * @throws TenetError('shape') unless there is one coefficient per objective, equally long lists, and whole groups
 * @see Liu et al. 2026, "GDPO", arXiv:2601.05242, for normalising before summing.
 */
export function mixRewards(options: {
  readonly values: readonly Values[];
  readonly coefficients: readonly number[];
  readonly groupSize: number;
  readonly aggregation: RewardAggregation;
}): Float64Array {
  const { values, coefficients, groupSize, aggregation } = options;
  checkShapes(values, coefficients, groupSize);
  const size = values[0].length;
  const sums = new Float64Array(size);
  const applies = new Uint8Array(size);
  values.forEach((list, k) => {
    const coefficient = coefficients[k];
    if (coefficient === 0) return;
    const terms =
      aggregation === 'sum_then_normalize' ? filled(list, groupSize) : standardised(list, groupSize);
    if (terms === null) return;
    for (let i = 0; i < size; i++) {
      sums[i] += coefficient * terms[i];
      if (!Number.isNaN(list[i])) applies[i] = 1;
    }
  });
  return sums.map((sum, i) => (applies[i] === 1 ? sum : Number.NaN));
}

/** [B] missing values replaced by the mean of their group, else of all; null where there is no value at all. */
function filled(list: Values, groupSize: number): Float64Array | null {
  const whole = knownMoments(list, 0, list.length);
  if (whole.count === 0) return null;
  return perGroup(list, groupSize, (value, group) =>
    Number.isNaN(value) ? (group.count > 0 ? group.mean : whole.mean) : value,
  );
}

/** [B] standard scores within each group, or the batch where groups are of one; 0 where missing. */
function standardised(list: Values, groupSize: number): Float64Array {
  return perGroup(list, groupSize === 1 ? list.length : groupSize, (value, group) =>
    Number.isNaN(value) ? 0 : (value - group.mean) / (group.deviation + deviationEps),
  );
}

function perGroup(
  list: Values,
  groupSize: number,
  change: (value: number, group: KnownMoments) => number,
): Float64Array {
  const result = new Float64Array(list.length);
  for (let start = 0; start < list.length; start += groupSize) {
    const group = knownMoments(list, start, start + groupSize);
    for (let i = start; i < start + groupSize; i++) result[i] = change(list[i], group);
  }
  return result;
}

function checkShapes(values: readonly Values[], coefficients: readonly number[], groupSize: number): void {
  const lengths = values.map(({ length }) => length);
  const isWhole = Number.isInteger(groupSize) && groupSize >= 1 && lengths[0] % groupSize === 0;
  if (values.length === coefficients.length && new Set(lengths).size === 1 && isWhole) return;
  throw new TenetError(
    'shape',
    `mixRewards: objectives of lengths ${lengths.join(', ') || 'none'} with ${coefficients.length} coefficients in groups of ` +
      `${groupSize}; there must be one coefficient per objective, and all must hold the same number of whole groups`,
  );
}
