/** Operators that fold one or more axes: means, maxima, softmax; the plain sum is in `broadcast.ts`. */
import { productOf } from '../dims.ts';
import type { Tensor } from '../graph.ts';
import { expand, normaliseAxes, type ReduceOptions, reducedShapes, reshape, sum } from './broadcast.ts';
import { add, divide, equal, exp, log, multiply, stopGradient, subtract, toReal } from './elementwise.ts';

/** Mean over axes. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const axes = normaliseAxes('mean', x, options.axes);
  if (axes.length === 0) return x; // ONNX would take an empty list for all axes
  const { keptShape, shape } = reducedShapes(x, axes, options.keep ?? false);
  const count = productOf(axes.map((axis) => x.shape[axis]));
  return x.graph.node({
    operator: 'ReduceMean',
    inputs: [x, x.graph.integers(axes)],
    outputs: [{ dtype: x.dtype, shape }],
    attributes: { keepdims: options.keep ? 1 : 0 },
    backward: ([g]) => {
      const size = typeof count === 'number' ? count : reshape(toReal(x.graph.dimTensor(count)), []);
      return [expand(reshape(divide(g!, size), keptShape), x.shape), null];
    },
  })[0];
}

/** Largest value over axes; equal maxima share the gradient evenly, as in PyTorch's amax. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  const axes = normaliseAxes('max', x, options.axes);
  if (axes.length === 0) return x; // ONNX would take an empty list for all axes
  const { keptShape, shape } = reducedShapes(x, axes, options.keep ?? false);
  const [result] = x.graph.node({
    operator: 'ReduceMax',
    inputs: [x, x.graph.integers(axes)],
    outputs: [{ dtype: x.dtype, shape }],
    attributes: { keepdims: options.keep ? 1 : 0 },
    backward: ([g]) => {
      const atMaximum = toReal(equal(x, reshape(result, keptShape)));
      const share = divide(reshape(g!, keptShape), sum(atMaximum, { axes, keep: true }));
      return [multiply(atMaximum, share), null];
    },
  });
  return result;
}

/** log Σ eˣ over axes, computed from the largest value so that nothing overflows. */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  const axes = normaliseAxes('logSumExp', x, options.axes);
  const largest = stopGradient(max(x, { axes, keep: true }));
  const kept = add(log(sum(exp(subtract(x, largest)), { axes, keep: true })), largest);
  return options.keep
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, i) => !axes.includes(i)),
      );
}

/** eˣ / Σ eˣ over the last axis. */
export function softmax(x: Tensor): Tensor {
  const [result] = x.graph.node({
    operator: 'Softmax',
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
    attributes: { axis: -1 },
    backward: ([g]) => {
      const inner = sum(multiply(g!, result), { axes: [-1], keep: true });
      return [multiply(result, subtract(g!, inner))];
    },
  });
  return result;
}

/** x − log Σ eˣ over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  const [result] = x.graph.node({
    operator: 'LogSoftmax',
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
    attributes: { axis: -1 },
    backward: ([g]) => {
      const total = sum(g!, { axes: [-1], keep: true });
      return [subtract(g!, multiply(exp(result), total))];
    },
  });
  return result;
}

/** Running sum along an axis (inclusive). */
export function cumulativeSum(x: Tensor, axis: number, options: { readonly reverse?: boolean } = {}): Tensor {
  const [positive] = normaliseAxes('cumulativeSum', x, [axis]);
  return x.graph.node({
    operator: 'CumSum',
    inputs: [x, x.graph.integers([positive], [])],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
    attributes: { reverse: options.reverse ? 1 : 0 },
    backward: ([g]) => [cumulativeSum(g!, positive, { reverse: !options.reverse }), null],
  })[0];
}
