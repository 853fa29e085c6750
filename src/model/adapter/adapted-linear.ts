/**
 * Linear layers with adapters beside them.
 *
 * Shapes: n rows, I inputs, O outputs of a layer, r its rank.
 *
 *     LoRA   y = W x + bias + scale · B A d(x)                                            d: dropout
 *     DoRA   y = m / ‖W + scale · B A‖ · (W x + scale · B A x) + bias                     ‖·‖ of each output's weights
 *
 * A product of the thin matrices costs little beside one with W; what is saved is the gradient of W.
 *
 * @see Hu et al. 2022, arXiv:2106.09685, eq. 3; Liu et al. 2024, arXiv:2402.09353, eq. 5 and section 4.3.
 */
import {
  add,
  concat,
  divide,
  matmul,
  multiply,
  reshape,
  split,
  sqrt,
  square,
  stopGradient,
  sum,
  type Tensor,
} from '../../tensor/index.ts';

/** Leaves out part of what the adapter of a layer reads. @param weight name of the layer's matrix */
export type ApplyDropout = (x: Tensor, weight: string) => Tensor;

export interface AdaptedLayer {
  /** W: [O, I], or [I, O]. */
  readonly matrix: Tensor;
  /** [O] */
  readonly bias: Tensor | null;
  readonly lowRank: {
    /** [r, I] */
    readonly a: Tensor;
    /** [O, r] */
    readonly b: Tensor;
    readonly scale: number;
    /** [O] */
    readonly magnitude: Tensor | null;
  } | null;
}

/**
 * Applies layers that share one input; their A's read it in one product.
 * @param x [B, T, I]
 * @param options.plain       W x + bias
 * @param options.inputsFirst true: W is [I, O]
 * @returns [B, T, O] for each layer
 */
export function adaptedLinear(
  x: Tensor,
  layers: readonly AdaptedLayer[],
  options: {
    readonly plain: (matrix: Tensor, bias: Tensor | null) => Tensor;
    readonly inputsFirst: boolean;
    readonly dropout: ((x: Tensor) => Tensor) | null;
  },
): Tensor[] {
  const adapters = layers.flatMap(({ lowRank }) => lowRank ?? []);
  if (adapters.length === 0) return layers.map(({ matrix, bias }) => options.plain(matrix, bias));
  const rows = reshape(x, [-1, x.shape[2]]); // [n, I]
  const read = options.dropout ? options.dropout(rows) : rows;
  const ranks = adapters.map(({ a }) => Number(a.shape[0]));
  const narrow = matmul(
    read,
    concat(
      adapters.map(({ a }) => a),
      0,
    ),
    { transposeB: true },
  ); // [n, Σr]
  const parts = split(narrow, 1, ranks);
  let next = 0;
  return layers.map(({ matrix, bias, lowRank }) => {
    if (!lowRank) return options.plain(matrix, bias);
    const { b, scale, magnitude } = lowRank;
    // The factor goes onto the thin array.
    const wide = matmul(multiply(parts[next++], scale), b, { transposeB: true }); // [n, O]
    const change = reshape(wide, [x.shape[0], x.shape[1], b.shape[0]]);
    if (!magnitude) return add(options.plain(matrix, bias), change);
    const length = lengthOfRows(matrix, lowRank, options.inputsFirst);
    // A dropped-out input changes the adapter alone; the base's part is scaled by the same factor.
    const turned = multiply(add(options.plain(matrix, null), change), divide(magnitude, length));
    return bias ? add(turned, bias) : turned;
  });
}

/** [O] ‖W + scale · B A‖ of each output's weights, a constant to the gradient (DoRA, section 4.3). */
function lengthOfRows(
  matrix: Tensor,
  { a, b, scale }: NonNullable<AdaptedLayer['lowRank']>,
  inputsFirst: boolean,
): Tensor {
  const change = inputsFirst
    ? matmul(a, b, { transposeA: true, transposeB: true, scale })
    : matmul(b, a, { scale });
  const squares = sum(square(add(matrix, change)), { axes: [inputsFirst ? 0 : 1] });
  return stopGradient(sqrt(squares));
}
