/** The largest value so far along a row. */
import { equalShapes } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { reshape } from './broadcast.ts';
import { and, greater, not, where } from './elementwise.ts';
import { gatherElements } from './gather.ts';
import { range } from './shape.ts';

/** Stands for −∞, whose arithmetic would give NaN. */
const lowest = -1e30;

/**
 * result[p, t] = the largest x[p, s] over the counted s ≤ t; its gradient goes to the first place that holds it.
 *
 * Every place looks at all before it, T² comparisons a row, which attention over the same row outweighs many times.
 * @param x       [P, T]
 * @param counted [P, T] real, 1 = may be the largest. Before the first counted place the result is x[p, 0]
 */
export function cumulativeMax(x: Tensor, counted: Tensor): Tensor {
  if (x.rank !== 2 || !equalShapes(x.shape, counted.shape)) {
    throw shapeError('cumulativeMax', [x, counted], 'both must be [rows, length]');
  }
  const { graph } = x;
  const [rows, length] = x.shape;
  const places = range(graph, length);
  const isLater = greater(reshape(places, [1, 1, length]), reshape(places, [1, length, 1])); // [1, T, T]
  const isSeen = and(not(isLater), greater(reshape(counted, [rows, 1, length]), 0)); // [P, T, T]
  const seen = where(isSeen, reshape(x, [rows, 1, length]), lowest);
  const [largest] = graph.node({
    operator: 'ArgMax',
    inputs: [seen],
    outputs: [{ dtype: 'int64', shape: [rows, length] }],
    attributes: { axis: 2, keepdims: 0 },
  });
  return gatherElements(x, largest, 1);
}
