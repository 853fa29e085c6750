/**
 * Masked attention with grouped key and value heads.
 *
 * Shapes: B rows, T tokens, S tokens that they see, H query heads in K groups of G = H/K, D dimensions per head.
 */
import { productOf } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { reshape, sum } from './broadcast.ts';
import { add, and, equal, greaterOrEqual, less, multiply, subtract, where } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { softmax } from './reduce.ts';
import { range, transpose } from './shape.ts';

/** What tokens add to their scores: 0 where they are seen, −1e30 elsewhere, so that their softmax weight is exactly zero. */
export function scoreMask(seen: Tensor): Tensor {
  return where(seen, 0, -1e30);
}

/**
 * Which tokens see which: a token sees itself and earlier tokens of its own document, within the window.
 *
 * The order of tokens decides, not their positions, so padding on either side and several documents in one
 * row all follow the same rule. Padding (segment 0) sees only padding, which keeps its rows finite.
 * @param segments [B, T] document number within the row, 0 = padding
 * @param window   tokens seen, the token itself included; null = all earlier ones
 * @returns [B, 1, 1, T, T] added to scores: 0 = seen, −1e30 = hidden
 */
export function causalMask(segments: Tensor, window: number | null): Tensor {
  const [batch, length] = segments.shape;
  const query = reshape(segments, [batch, 1, 1, length, 1]);
  const key = reshape(segments, [batch, 1, 1, 1, length]);
  const order = range(segments.graph, length);
  const queryOrder = reshape(order, [1, 1, 1, length, 1]);
  const keyOrder = reshape(order, [1, 1, 1, 1, length]);
  let seen = and(equal(query, key), greaterOrEqual(queryOrder, keyOrder));
  if (window !== null) seen = and(seen, less(subtract(queryOrder, keyOrder), window));
  return scoreMask(seen);
}

export interface AttentionOptions {
  /** H */
  readonly heads: number;
  /** K, divides H */
  readonly kvHeads: number;
  /** Factor on scores. Default 1/√D. */
  readonly scale?: number;
}

/**
 * softmax(q kᵀ · scale + mask) v for every head.
 * @param q    [B, T, H*D]
 * @param k    [B, S, K*D]
 * @param v    [B, S, K*D]
 * @param mask [B, 1, 1, T, S] added to scores
 * @returns    [B, T, H*D]
 * @see Vaswani et al. 2017, arXiv:1706.03762, eq. 1; Ainslie et al. 2023, arXiv:2305.13245 (groups).
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, options: AttentionOptions): Tensor {
  const { heads, kvHeads } = options;
  const [batch, length, width] = q.shape;
  const seen = k.shape[1];
  if (
    typeof width !== 'number' ||
    width % heads ||
    heads % kvHeads ||
    k.shape[2] !== (width / heads) * kvHeads
  ) {
    throw shapeError(
      'attention',
      [q, k, v],
      `must hold ${heads} query heads and ${kvHeads} key and value heads of one size`,
    );
  }
  const size = width / heads;
  const groups = heads / kvHeads;
  const scale = options.scale ?? 1 / Math.sqrt(size);
  const { graph } = q;

  // Queries of one group share their keys, so they form the rows of one product: [B, K, G*T, D].
  const groupedRows = productOf([groups, length]);
  const queries = reshape(transpose(reshape(q, [batch, length, kvHeads, groups, size]), [0, 2, 3, 1, 4]), [
    batch,
    kvHeads,
    groupedRows,
    size,
  ]);
  const keys = transpose(reshape(k, [batch, seen, kvHeads, size]), [0, 2, 1, 3]);
  const values = transpose(reshape(v, [batch, seen, kvHeads, size]), [0, 2, 1, 3]);

  const scores = matmul(queries, keys, { transposeB: true, scale }); // [B, K, G*T, S]
  const masked = add(reshape(scores, [batch, kvHeads, groups, length, seen]), mask);
  const weights = reshape(softmax(masked), [batch, kvHeads, groupedRows, seen]);
  const context = matmul(weights, values); // [B, K, G*T, D]

  // Softmax's gradient needs Σ(dweights · weights) per row, which equals Σ(dcontext · context): D terms, not S.
  graph.differentiable([queries, keys, values], [context], ([g]) => {
    const weightGradient = matmul(g!, values, { transposeB: true });
    const rowSum = sum(multiply(g!, context), { axes: [-1], keep: true });
    const scoreGradient = multiply(weights, subtract(weightGradient, rowSum));
    return [
      matmul(scoreGradient, keys, { scale }),
      matmul(scoreGradient, queries, { transposeA: true, scale }),
      matmul(weights, g!, { transposeA: true }),
    ];
  });
  const merged = transpose(reshape(context, [batch, kvHeads, groups, length, size]), [0, 3, 1, 2, 4]);
  return reshape(merged, [batch, length, width]);
}
