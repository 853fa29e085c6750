/**
 * Reshaping, broadcasting and its reverse, summing: the operators that all other gradients are made of, and
 * that are each other's gradients.
 */
import {
  canonicalDim,
  type Dim,
  divideDims,
  equalShapes,
  formatShape,
  productOf,
  type Shape,
} from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';

/**
 * The same values under another shape.
 * @param shape may hold one -1, worked out from the others.
 */
export function reshape(x: Tensor, shape: readonly (Dim | -1)[]): Tensor {
  const target = resolveShape(x, shape);
  if (equalShapes(x.shape, target)) return x;
  const { graph } = x;
  const symbolic = target.filter((dim) => typeof dim !== 'number');
  // One symbolic dimension is left to ONNX to infer; more need their sizes at run time.
  const shapeInput =
    symbolic.length <= 1
      ? graph.integers(target.map((dim) => (typeof dim === 'number' ? dim : -1)))
      : graph.shapeTensor(target);
  return graph.node({
    operator: 'Reshape',
    inputs: [x, shapeInput],
    outputs: [{ dtype: x.dtype, shape: target }],
    backward: ([g]) => [reshape(g!, x.shape), null],
  })[0];
}

function resolveShape(x: Tensor, shape: readonly (Dim | -1)[]): Shape {
  const open = shape.indexOf(-1);
  const known = productOf(shape.filter((dim) => dim !== -1));
  if (open < 0) {
    if (known !== productOf(x.shape)) {
      throw shapeError('reshape', [x], `cannot become ${formatShape(shape)}: the number of values differs`);
    }
    return shape.map((dim) => canonicalDim(dim));
  }
  const rest = divideDims(productOf(x.shape), known);
  if (rest === null)
    throw shapeError('reshape', [x], `cannot become ${formatShape(shape)}: -1 has no whole size`);
  return shape.map((dim, i) => (i === open ? rest : canonicalDim(dim)));
}

/** Broadcasts to a larger shape. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (equalShapes(x.shape, shape)) return x;
  return x.graph.node({
    operator: 'Expand',
    inputs: [x, x.graph.shapeTensor(shape)],
    outputs: [{ dtype: x.dtype, shape }],
    backward: ([g]) => [sumTo(g!, x.shape), null],
  })[0];
}

export interface ReduceOptions {
  /** Axes to fold; negative counts from the end. Default: all. */
  readonly axes?: readonly number[];
  /** True keeps folded axes with size 1. Default false. */
  readonly keep?: boolean;
}

/** Axes as non-negative numbers in ascending order, checked against the rank. */
export function normaliseAxes(operator: string, x: Tensor, axes: readonly number[] | undefined): number[] {
  const all = axes ?? x.shape.map((_, i) => i);
  return all
    .map((axis) => {
      const positive = axis < 0 ? axis + x.rank : axis;
      if (positive < 0 || positive >= x.rank) {
        throw shapeError(operator, [x], `axis ${axis} is outside the tensor's ${x.rank} axes`);
      }
      return positive;
    })
    .sort((a, b) => a - b);
}

/** The result's shape, and the shape it has with folded axes kept as 1. */
export function reducedShapes(
  x: Tensor,
  axes: readonly number[],
  keep: boolean,
): { keptShape: Dim[]; shape: Dim[] } {
  const keptShape = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const shape = keep ? keptShape : x.shape.filter((_, i) => !axes.includes(i));
  return { keptShape, shape };
}

/** Sum over axes. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const axes = normaliseAxes('sum', x, options.axes);
  if (axes.length === 0) return x;
  const { keptShape, shape } = reducedShapes(x, axes, options.keep ?? false);
  return x.graph.node({
    operator: 'ReduceSum',
    inputs: [x, x.graph.integers(axes)],
    outputs: [{ dtype: x.dtype, shape }],
    attributes: { keepdims: options.keep ? 1 : 0 },
    backward: ([g]) => [expand(reshape(g!, keptShape), x.shape), null],
  })[0];
}

/** Folds a gradient back onto the shape it was broadcast from. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (equalShapes(gradient.shape, shape)) return gradient;
  const leading = gradient.rank - shape.length;
  const axes = gradient.shape
    .map((_, i) => i)
    .filter((i) => i < leading || (shape[i - leading] === 1 && gradient.shape[i] !== 1));
  const onlyLeading = axes.every((axis) => axis < leading);
  const folded = sum(gradient, { axes, keep: !onlyLeading });
  return onlyLeading ? folded : reshape(folded, shape);
}
