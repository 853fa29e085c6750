/** Operators that move values without changing them. */
import { canonicalDim, type Dim, type Shape } from '../dims.ts';
import { type Graph, shapeError, type Tensor } from '../graph.ts';
import { expand, normaliseAxes, reshape } from './broadcast.ts';

/** Axes in a new order: result axis i is x's axis `order[i]`. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw shapeError(
      'transpose',
      [x],
      `order [${order.join(', ')}] must name each of the ${x.rank} axes once`,
    );
  }
  if (order.every((axis, i) => axis === i)) return x;
  const inverse = order.map((_, i) => order.indexOf(i));
  return x.graph.node({
    operator: 'Transpose',
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }],
    attributes: { perm: order },
    backward: ([g]) => [transpose(g!, inverse)],
  })[0];
}

/**
 * Joins tensors along an axis.
 * @param total size of the result's axis where the parts' are symbols; ONNX Runtime finds out what it is
 */
export function concat(parts: readonly Tensor[], axis: number, total: Dim = 0): Tensor {
  const [first] = parts;
  if (parts.length === 1) return first;
  const [at] = normaliseAxes('concat', first, [axis]);
  const sizes = parts.map((part) => part.shape[at]);
  const known = sizes.every((size) => typeof size === 'number');
  const fits = parts.every(
    (part) => part.rank === first.rank && part.shape.every((dim, i) => i === at || dim === first.shape[i]),
  );
  if (!fits || (!known && total === 0)) {
    throw shapeError(
      'concat',
      parts,
      `all axes but ${axis} must be equal, and axis ${axis} must have a known size, or the result's be given`,
    );
  }
  const joined = known ? (sizes as number[]).reduce((a, b) => a + b, 0) : total;
  return first.graph.node({
    operator: 'Concat',
    inputs: parts,
    outputs: [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === at ? joined : dim)) }],
    attributes: { axis: at },
    backward: ([g]) => split(g!, at, sizes),
  })[0];
}

/** Cuts an axis into parts of the given sizes; where one is a symbol, ONNX Runtime checks that they fit. */
export function split(x: Tensor, axis: number, sizes: readonly Dim[]): Tensor[] {
  const [at] = normaliseAxes('split', x, [axis]);
  const known = sizes.every((size) => typeof size === 'number');
  const total = known ? (sizes as number[]).reduce((a, b) => a + b, 0) : null;
  if (total !== null && x.shape[at] !== total) {
    throw shapeError(
      'split',
      [x],
      `the parts ${sizes.join(' + ')} make ${total}, not axis ${axis}'s ${x.shape[at]}`,
    );
  }
  if (sizes.length === 1) return [x];
  const shapeOf = (size: Dim): Dim[] => x.shape.map((dim, i) => (i === at ? canonicalDim(size) : dim));
  return x.graph.node({
    operator: 'Split',
    inputs: [x, x.graph.shapeTensor(sizes)],
    outputs: sizes.map((size) => ({ dtype: x.dtype, shape: shapeOf(size) })),
    attributes: { axis: at },
    backward: (gradients) => [
      concat(
        gradients.map((g, i) => g ?? zeros(x, shapeOf(sizes[i]))),
        at,
        x.shape[at],
      ),
      null,
    ],
  });
}

/** Real zeros of a shape, in `like`'s graph. */
export function zeros(like: Tensor, shape: Shape): Tensor {
  return expand(like.graph.scalar(0), shape);
}

/** 0, 1, … size − 1 as int64. */
export function range(graph: Graph, size: Dim): Tensor {
  if (typeof size === 'number') return graph.integers(Array.from({ length: size }, (_, i) => i));
  return graph.node({
    operator: 'Range',
    inputs: [graph.integers([0], []), reshape(graph.dimTensor(size), []), graph.integers([1], [])],
    outputs: [{ dtype: 'int64', shape: [size] }],
  })[0];
}
