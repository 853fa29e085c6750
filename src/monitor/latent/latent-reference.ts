/**
 * What a reward model's states of the reference policy's responses are like, and which states are unlike them.
 *
 * A state is far where its squared Mahalanobis distance is above a limit that 1 % of the reference's own responses exceed.
 * States are not normal, so the limit is not that of a chi-square distribution but is read off the reference itself: each
 * of its responses is measured by a fit to those of other prompts, as a new one would be.
 *
 * Shapes: N responses, K dimensions.
 * @see Miao et al. 2024, "InfoRM", arXiv:2402.09345, for outliers in a reward model's latent space as the sign of a hack
 */
import { choleskyFactor, shrunkCovariance, squaredDistance } from './shrunk-covariance.ts';

/** Part of the reference's responses that are beyond the limit. */
export const outlyingShare = 0.01;

/** Parts in which prompts are left out in turn. */
const folds = 8;
/** Fewer responses, or fewer prompts, than this do not tell what is usual. */
const fewest = { responses: 16, prompts: 4 };

export interface LatentReference {
  /** [K] */
  readonly mean: Float64Array;
  /** [K, K] lower triangular factor of the covariance. */
  readonly factor: Float64Array;
  /** Squared distance beyond which a state is an outlier. */
  readonly limit: number;
}

/**
 * @param states  [N] of K numbers; those that are not finite are left out
 * @param prompts [N] which prompt each answers: responses to one prompt are alike, and are left out together
 * @returns null where they are too few to tell, or do not vary
 */
export function fitLatentReference(
  states: readonly ArrayLike<number>[],
  prompts: readonly number[],
): LatentReference | null {
  const rows = states.flatMap((state, i) =>
    Array.from(state).every(Number.isFinite) ? [{ state, prompt: prompts[i] }] : [],
  );
  const order = [...new Set(rows.map(({ prompt }) => prompt))];
  if (rows.length < fewest.responses || order.length < fewest.prompts) return null;
  const foldOf = new Map(order.map((prompt, i) => [prompt, i % folds]));
  const distances: number[] = [];
  for (let fold = 0; fold < Math.min(folds, order.length); fold++) {
    const isOut = ({ prompt }: { readonly prompt: number }): boolean => foldOf.get(prompt) === fold;
    const fit = fitStates(rows.filter((row) => !isOut(row)).map(({ state }) => state));
    if (!fit) return null;
    distances.push(...rows.filter(isOut).map(({ state }) => squaredDistance(state, fit.mean, fit.factor)));
  }
  const fit = fitStates(rows.map(({ state }) => state));
  return fit && { ...fit, limit: upperLimit(distances) };
}

/** True: the state is further out than 99 % of the reference's. */
export function isOutlying({ mean, factor, limit }: LatentReference, state: ArrayLike<number>): boolean {
  return squaredDistance(state, mean, factor) > limit;
}

function fitStates(states: readonly ArrayLike<number>[]): Omit<LatentReference, 'limit'> | null {
  const { mean, covariance } = shrunkCovariance(states);
  const factor = choleskyFactor(covariance);
  return factor && { mean, factor };
}

/** A new draw lies above the m-th of N with probability 1 − m / (N + 1); of fewer than 99, the largest has to do. */
function upperLimit(distances: readonly number[]): number {
  const sorted = [...distances].sort((a, b) => a - b);
  const rank = Math.ceil((1 - outlyingShare) * (sorted.length + 1));
  return sorted[Math.min(rank, sorted.length) - 1];
}
