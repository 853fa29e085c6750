/** Weights of tokens and of pairs for preference losses. */
import { TenetError } from '../base/index.ts';
import { exp, stopGradient, subtract, type Tensor } from '../tensor/index.ts';
import type { Counted } from './masked.ts';
import type { TokenLayout } from './token-layout.ts';

/**
 * LD-DPO's weights of tokens: 1 up to the length of the pair's shorter response, `alpha` beyond it, 0 where not
 * counted. A response's log-probability, under the policy and the reference alike, is then Σ weight · log p.
 *
 * Shapes: P pairs, T tokens; row-major.
 * @param options.chosenCounted   [P, T] 1 = counted
 * @param options.rejectedCounted [P, T]
 * @param options.pairs           P
 * @param options.alpha           in [0, 1]; 1 = plain DPO, 0 = nothing beyond the shared length counts
 * @see Liu et al. 2024, arXiv:2409.06411.
 */
export function lengthDesensitisedWeights(options: {
  readonly chosenCounted: Counted;
  readonly rejectedCounted: Counted;
  readonly pairs: number;
  readonly alpha: number;
}): { readonly chosen: Float32Array; readonly rejected: Float32Array } {
  const { chosenCounted, rejectedCounted, pairs, alpha } = options;
  if (chosenCounted.length % pairs || rejectedCounted.length % pairs || !(alpha >= 0 && alpha <= 1)) {
    throw new TenetError(
      'shape',
      `lengthDesensitisedWeights: masks of ${chosenCounted.length} and ${rejectedCounted.length} for ${pairs} pairs, ` +
        `alpha ${alpha}; the masks must hold equal rows, one per pair, and alpha must lie in [0, 1]`,
    );
  }
  const chosen = new Float32Array(chosenCounted.length);
  const rejected = new Float32Array(rejectedCounted.length);
  for (let pair = 0; pair < pairs; pair++) {
    const shared = Math.min(rowCount(chosenCounted, pair, pairs), rowCount(rejectedCounted, pair, pairs));
    fillRow(chosen, chosenCounted, pair, pairs, shared, alpha);
    fillRow(rejected, rejectedCounted, pair, pairs, shared, alpha);
  }
  return { chosen, rejected };
}

function rowCount(counted: Counted, row: number, rows: number): number {
  const width = counted.length / rows;
  let count = 0;
  for (let i = row * width; i < (row + 1) * width; i++) if (counted[i] !== 0) count++;
  return count;
}

function fillRow(
  weights: Float32Array,
  counted: Counted,
  row: number,
  rows: number,
  shared: number,
  alpha: number,
): void {
  const width = counted.length / rows;
  let place = 0;
  for (let i = row * width; i < (row + 1) * width; i++) {
    if (counted[i] !== 0) weights[i] = place++ < shared ? 1 : alpha;
  }
}

/**
 * WPO's weight of each response, constant: the geometric mean over its tokens of p / Σ p², the probability of the
 * token relative to what a sample would get on average. A pair weighs the product of its two responses' weights.
 * @param options.logProbs             tokens: log π of the response's tokens
 * @param options.logSquaredSum        tokens: log Σ over the vocabulary of p², from the same distribution
 * @returns [B]
 * @see Zhou et al. 2024, arXiv:2406.11827, eq. 2.
 */
export function onPolicyWeights(options: {
  readonly tokens: TokenLayout;
  readonly logProbs: Tensor;
  readonly logSquaredSum: Tensor;
}): Tensor {
  const { tokens, logProbs, logSquaredSum } = options;
  return stopGradient(exp(tokens.meanPerSequence(subtract(logProbs, logSquaredSum))));
}
