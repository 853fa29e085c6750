/**
 * Dropout of what adapters read, with draws that depend on what is fed alone: the same feeds give the same result, so
 * a resumed run repeats them and a layer that is computed again leaves out the same.
 *
 * Drawing a number for every element outside the graph would cost more than the step. Each element (i, j) takes its
 * uniform number from the fractional part of Σₖ rowᵢₖ · columnⱼₖ instead, with 8 random numbers for each row and each
 * column: any two elements are independent to within what float32 resolves there, about 1e-4.
 *
 * Shapes: B rows, T tokens per row, n = B · T, I inputs of a layer.
 */
import { Random } from '../../base/index.ts';
import {
  type Feeds,
  type Graph,
  less,
  matmul,
  multiply,
  reshape,
  subtract,
  type Tensor,
  toReal,
} from '../../tensor/index.ts';
import type { ApplyDropout } from './adapted-linear.ts';

/** Random numbers per row and column. */
const mixed = 8;

export interface AdapterDropout {
  readonly apply: ApplyDropout;
  /** What to feed for one micro-batch. @param shape [B, T] @param random the draws of this micro-batch */
  feeds(shape: readonly [number, number], random: Random): Feeds;
}

/** @param rate share that is left out; what stays is scaled up by 1 / (1 − rate) */
export function adapterDropout(graph: Graph, rate: number): AdapterDropout {
  const rows = graph.input('dropoutRows', 'real', ['B', 'T', mixed]);
  /** Inputs of each layer whose adapter reads something. */
  const columns = new Map<string, number>();
  const keep = 1 - rate;
  const apply = (x: Tensor, weight: string): Tensor => {
    const inputs = Number(x.shape[1]);
    const name = `dropoutColumns:${weight}`;
    columns.set(name, inputs);
    const sums = matmul(reshape(rows, [-1, mixed]), graph.input(name, 'real', [mixed, inputs])); // [n, I]
    const uniform = subtract(sums, floor(sums));
    const mask = multiply(toReal(less(uniform, keep)), 1 / keep);
    return multiply(x, mask);
  };
  let columnFeeds: Record<string, Float32Array> | null = null;
  return {
    apply,
    feeds(shape, random) {
      columnFeeds ??= Object.fromEntries(
        [...columns].map(([name, inputs]) => [name, drawn(mixed * inputs, new Random(0).fork(name), 1, 2)]),
      );
      const [batch, length] = shape;
      const data = drawn(batch * length * mixed, random, 0, 64);
      return { ...columnFeeds, dropoutRows: { data, shape: [batch, length, mixed] } };
    },
  };
}

/** Evenly drawn from `low` to `high`. */
function drawn(count: number, random: Random, low: number, high: number): Float32Array {
  return Float32Array.from({ length: count }, () => low + (high - low) * random.uniform());
}

function floor(x: Tensor): Tensor {
  return x.graph.node({
    operator: 'Floor',
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
  })[0];
}
