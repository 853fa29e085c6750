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
  /** By name, as `columnsName` has it; drawn when they are first fed. */
  const columns = new Map<string, { readonly inputs: number; values: Float32Array | null }>();
  const keep = 1 - rate;
  const apply = (x: Tensor, weight: string): Tensor => {
    const inputs = Number(x.shape[1]);
    const name = columnsName(weight);
    columns.set(name, { inputs, values: null });
    const sums = matmul(reshape(rows, [-1, mixed]), graph.input(name, 'real', [mixed, inputs])); // [n, I]
    const uniform = subtract(sums, floor(sums));
    const mask = multiply(toReal(less(uniform, keep)), 1 / keep);
    return multiply(x, mask);
  };
  return {
    apply,
    feeds([batch, length], random) {
      for (const [name, column] of columns) column.values ??= dropoutColumns(name, column.inputs);
      const data = drawn(batch * length * mixed, random, 0, 64);
      return {
        ...Object.fromEntries([...columns].map(([name, { values }]) => [name, values!])),
        dropoutRows: { data, shape: [batch, length, mixed] },
      };
    },
  };
}

const columnsPrefix = 'dropoutColumns:';

/** Name of the input [8, I] that holds the columns of the layer with that matrix. */
function columnsName(weight: string): string {
  return columnsPrefix + weight;
}

/** Whether an input is one of those. */
export function isDropoutColumns(input: string): boolean {
  return input.startsWith(columnsPrefix);
}

/** [8, I] the same for the same name, whatever else is drawn. @param inputs I */
export function dropoutColumns(name: string, inputs: number): Float32Array {
  return drawn(mixed * inputs, new Random(0).fork(name), 1, 2);
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
