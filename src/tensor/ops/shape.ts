/** Operators that move values without changing them. */
import { type Dim, divideDims, equalShapes, formatShape, productOf, type Shape } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { normaliseAxes, sumTo } from './reduce.ts';

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
    return shape;
  }
  const rest = divideDims(productOf(x.shape), known);
  if (rest === null)
    throw shapeError('reshape', [x], `cannot become ${formatShape(shape)}: -1 has no whole size`);
  return shape.map((dim, i) => (i === open ? rest : dim));
}

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

/** Joins tensors along an axis whose sizes are known. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (parts.length === 1) return first;
  const [at] = normaliseAxes('concat', first, [axis]);
  const sizes = parts.map((part) => part.shape[at]);
  const fits = parts.every(
    (part) => part.rank === first.rank && part.shape.every((dim, i) => i === at || dim === first.shape[i]),
  );
  if (!fits || sizes.some((size) => typeof size !== 'number')) {
    throw shapeError(
      'concat',
      parts,
      `all axes but ${axis} must be equal, and axis ${axis} must have a known size`,
    );
  }
  const total = (sizes as number[]).reduce((a, b) => a + b, 0);
  return first.graph.node({
    operator: 'Concat',
    inputs: parts,
    outputs: [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === at ? total : dim)) }],
    attributes: { axis: at },
    backward: ([g]) => split(g!, at, sizes as number[]),
  })[0];
}

/** Cuts an axis of known size into parts of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const [at] = normaliseAxes('split', x, [axis]);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (x.shape[at] !== total) {
    throw shapeError(
      'split',
      [x],
      `the parts ${sizes.join(' + ')} make ${total}, not axis ${axis}'s ${x.shape[at]}`,
    );
  }
  if (sizes.length === 1) return [x];
  const shapeOf = (size: number): Dim[] => x.shape.map((dim, i) => (i === at ? size : dim));
  return x.graph.node({
    operator: 'Split',
    inputs: [x, x.graph.integers(sizes)],
    outputs: sizes.map((size) => ({ dtype: x.dtype, shape: shapeOf(size) })),
    attributes: { axis: at },
    backward: (gradients) => [
      concat(
        gradients.map((g, i) => g ?? zeros(x, shapeOf(sizes[i]))),
        at,
      ),
      null,
    ],
  });
}

/** Real zeros of a shape, in `like`'s graph. */
export function zeros(like: Tensor, shape: Shape): Tensor {
  return expand(like.graph.scalar(0), shape);
}
