/** Sorting along the only axis of a tensor, with its gradient. */
import { gatherRows, type Tensor } from '../tensor/index.ts';

/** The values in ascending order; each gradient goes back to where its value came from. @param x [P] */
export function sortAscending(x: Tensor): Tensor {
  const { graph } = x;
  const [, order] = graph.node({
    operator: 'TopK',
    inputs: [x, graph.dimTensor(x.shape[0])],
    outputs: [
      { dtype: x.dtype, shape: x.shape },
      { dtype: 'int64', shape: x.shape },
    ],
    attributes: { axis: 0, largest: 0, sorted: 1 },
  });
  return gatherRows(x, order, { unique: true });
}
