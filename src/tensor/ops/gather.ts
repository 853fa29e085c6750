/** Operators that pick values by index. Indices are int32 or int64 and carry no gradient. */
import { equalShapes, productOf } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { normaliseAxes, reshape } from './broadcast.ts';
import { add, cast, multiply } from './elementwise.ts';
import { range, zeros } from './shape.ts';

/**
 * Rows of a table: result[i…] = table[indices[i…]].
 *
 * Rows may be picked more than once; their gradients add up in a fixed order, so results are reproducible.
 * @param table   [R, …]
 * @param indices any shape, values in [0, R)
 * @param options.unique promise that no index occurs twice: the gradient is then written in parallel.
 */
export function gatherRows(
  table: Tensor,
  indices: Tensor,
  options: { readonly unique?: boolean } = {},
): Tensor {
  const rowShape = table.shape.slice(1);
  return table.graph.node({
    operator: 'Gather',
    inputs: [table, indices],
    outputs: [{ dtype: table.dtype, shape: [...indices.shape, ...rowShape] }],
    attributes: { axis: 0 },
    backward: ([g]) => [options.unique ? writeRows(table, indices, g!) : addRows(table, indices, g!), null],
  })[0];
}

/** Zeros like `table` with `rows` written at `indices` (each index at most once). */
function writeRows(table: Tensor, indices: Tensor, rows: Tensor): Tensor {
  return table.graph.node({
    operator: 'ScatterND',
    inputs: [zeros(table, table.shape), cast(reshape(indices, [...indices.shape, 1]), 'int64'), rows],
    outputs: [{ dtype: table.dtype, shape: table.shape }],
  })[0];
}

/** Zeros like `table` with `rows` added at `indices`, one after the other. */
export function addRows(table: Tensor, indices: Tensor, rows: Tensor): Tensor {
  const { graph } = table;
  // As one flat list of values: ONNX Runtime then has no axes to count along, which halves the time.
  const width = productOf(table.shape.slice(1));
  const starts = multiply(cast(reshape(indices, [-1, 1]), 'int64'), graph.dimTensor(width));
  const places = add(starts, reshape(range(graph, width), [1, width]));
  const size = productOf(table.shape);
  const [added] = graph.node({
    operator: 'ScatterElements',
    inputs: [zeros(table, [size]), reshape(places, [-1]), reshape(rows, [-1])],
    outputs: [{ dtype: table.dtype, shape: [size] }],
    attributes: { axis: 0, reduction: 'add' },
  });
  return reshape(added, table.shape);
}

/** One value per position along an axis: result[i, j] = x[i, indices[i, j]] for axis 1. */
export function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  const [at] = normaliseAxes('gatherElements', x, [axis]);
  const fits =
    indices.rank === x.rank &&
    equalShapes(
      indices.shape.filter((_, i) => i !== at),
      x.shape.filter((_, i) => i !== at),
    );
  if (!fits) throw shapeError('gatherElements', [x, indices], `all axes but ${axis} must be equal`);
  return x.graph.node({
    operator: 'GatherElements',
    inputs: [x, indices],
    outputs: [{ dtype: x.dtype, shape: indices.shape }],
    attributes: { axis: at },
    backward: ([g]) => [
      x.graph.node({
        operator: 'ScatterElements',
        inputs: [zeros(x, x.shape), indices, g!],
        outputs: [{ dtype: x.dtype, shape: x.shape }],
        attributes: { axis: at, reduction: 'add' },
      })[0],
      null,
    ],
  })[0];
}
