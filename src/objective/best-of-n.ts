/**
 * Best-of-N: the best of N responses by reward, as a policy that can be compared with a trained one.
 *
 * It diverges from the sampling policy by at most log N − (N − 1) / N nats, whatever the reward, and by exactly that
 * where no two responses score the same.
 *
 * @see Beirami et al. 2024, arXiv:2401.01879 (the bound; the value itself: Stiennon et al. 2020,
 *   arXiv:2009.01325, appendix G.3); Nakano et al. 2021, arXiv:2112.09332, appendix I (the estimator).
 */
import { TenetError } from '../base/index.ts';
import type { Values } from './masked.ts';

/**
 * Upper bound of KL(best of N ‖ policy), nats.
 * @throws TenetError('usage') unless n is a whole number of at least 1
 */
export function bestOfNKlBound(n: number): number {
  if (!(Number.isInteger(n) && n >= 1)) {
    throw new TenetError('usage', `bestOfNKlBound: n is ${n}; it must be a whole number of at least 1`);
  }
  return Math.log(n) - (n - 1) / n;
}

/**
 * Divergence of a policy that keeps only its best share of responses, nats: −log share.
 * @param share in (0, 1]
 */
export function rejectionKlBound(share: number): number {
  if (!(share > 0 && share <= 1)) {
    throw new TenetError('usage', `rejectionKlBound: share is ${share}; it must lie in (0, 1]`);
  }
  return share === 1 ? 0 : -Math.log(share);
}

/**
 * What best-of-n would yield for each n up to N, from N responses to one prompt: the mean of `values` over the best
 * by `scores` of all subsets of n. No bias, and far less spread than the best of one subset.
 *
 * In ascending order of score, the i-th response (from 1) is the best of a subset of n with probability
 * C(i − 1, n − 1) / C(N, n). Of equal scores each is as likely to be taken, so they share their values.
 * @param scores [N] what chooses
 * @param values [N] what is averaged. Default: the scores
 * @returns [N], for n = 1 … N
 */
export function bestOfNExpectations(scores: Values, values: Values = scores): Float64Array {
  const total = scores.length;
  if (total === 0 || values.length !== total) {
    throw new TenetError(
      'usage',
      `bestOfNExpectations: ${total} scores and ${values.length} values; both must be equally many, and some`,
    );
  }
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b] || a - b);
  const shared = sharedAmongEqual(order, scores, values);
  const expectations = new Float64Array(total);
  for (let n = 1; n <= total; n++) {
    // C(i − 1, n − 1) / C(N, n), from the largest i down: n / N at i = N, then times (i − n) / (i − 1).
    let probability = n / total;
    for (let i = total; i >= n; i--) {
      expectations[n - 1] += probability * shared[i - 1];
      probability *= i > 1 ? (i - n) / (i - 1) : 0;
    }
  }
  return expectations;
}

/** The values in ascending order of score, each the mean over the responses of that score. */
function sharedAmongEqual(order: readonly number[], scores: Values, values: Values): Float64Array {
  const shared = new Float64Array(order.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    let sum = 0;
    while (end < order.length && scores[order[end]] === scores[order[start]]) sum += values[order[end++]];
    shared.fill(sum / (end - start), start, end);
    start = end;
  }
  return shared;
}
