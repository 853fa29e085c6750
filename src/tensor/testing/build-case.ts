/** The common part of the test helpers: declares inputs, gives them values, closes a graph with a scalar loss. */
import { Random } from '../../base/index.ts';
import { type Dim, type Shape, symbolsOf } from '../dims.ts';
import { gradients } from '../gradients.ts';
import { type DType, Graph, type GraphOptions, type Tensor, type TensorData } from '../graph.ts';
import { multiply, sum } from '../ops/index.ts';
import type { Feeds } from '../session.ts';

/** One input of a graph under test. */
export interface TestInput {
  /** Dimensions; symbols take their size from `sizes`. */
  readonly shape: Shape;
  /** Row-major values; drawn from the standard normal distribution when left out. */
  readonly values?: ArrayLike<number>;
  /** Element type. Default real: only these inputs have gradients. */
  readonly dtype?: DType | 'real';
  /** False: a real input that gets no gradient, e.g. a mask or a reward. Default true. */
  readonly differentiate?: boolean;
}

/** Builds what is tested from its inputs; any shape, which is then reduced by fixed random weights. */
export type TestBuild<Name extends string> = (graph: Graph, inputs: Readonly<Record<Name, Tensor>>) => Tensor;

export interface CaseOptions {
  /** Seed of random values. Default 1. */
  readonly seed?: number;
  /** Sizes of symbols in input shapes. Default: drawn from 2 to 4. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Values of one input at run time, always kept in float64 or as integers. */
export interface CaseValues {
  readonly dtype: DType | 'real';
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** The inputs' values, the same for every graph that is built from them. */
export interface CaseInputs {
  readonly inputs: Readonly<Record<string, TestInput>>;
  readonly drawn: Readonly<Record<string, CaseValues>>;
  readonly sizes: Readonly<Record<string, number>>;
  /** The generator after drawing; gives the weights of an output that is not a scalar. */
  readonly random: Random;
}

/** A built graph: its scalar loss, the whole output, the gradient of each differentiated input. */
export interface BuiltCase {
  readonly graph: Graph;
  readonly loss: Tensor;
  readonly output: Tensor;
  readonly gradients: Readonly<Record<string, Tensor>>;
  /** Feeds in the graph's precision. */
  readonly feeds: Feeds;
}

/** Draws values for all inputs; equal seeds give equal values. */
export function drawInputs(
  inputs: Readonly<Record<string, TestInput>>,
  options: CaseOptions = {},
): CaseInputs {
  const random = new Random(options.seed ?? 1);
  const sizes: Record<string, number> = { ...options.sizes };
  const drawn: Record<string, CaseValues> = {};
  for (const [name, input] of Object.entries(inputs)) {
    for (const symbol of input.shape.flatMap(symbolsOf)) sizes[symbol] ??= 2 + random.int(3);
    const shape = input.shape.map((dim) => sizeOf(dim, sizes));
    const count = shape.reduce((a, b) => a * b, 1);
    const values = input.values
      ? Float64Array.from(input.values)
      : Float64Array.from({ length: count }, () => random.normal());
    drawn[name] = { dtype: input.dtype ?? 'real', shape, values };
  }
  return { inputs, drawn, sizes, random };
}

/** Builds the graph of a case in one precision. */
export function buildCase<Name extends string>(
  build: TestBuild<Name>,
  { inputs, drawn, sizes, random }: CaseInputs,
  graphOptions: GraphOptions,
): BuiltCase {
  const graph = new Graph(graphOptions);
  const feeds: Record<string, { data: TensorData; shape: readonly number[] }> = {};
  const tensors: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries(inputs)) {
    tensors[name] = graph.input(name, input.dtype ?? 'real', input.shape);
    feeds[name] = feedOf(tensors[name], drawn[name].values, drawn[name].shape);
  }
  const output = build(graph, tensors as Record<Name, Tensor>);
  let loss = output;
  if (output.shape.some((dim) => dim !== 1)) {
    const weights = graph.input('weights of the output', 'real', output.shape);
    const shape = output.shape.map((dim) => sizeOf(dim, sizes));
    const draws = new Random(random.state);
    const values = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.normal());
    feeds[weights.name] = feedOf(weights, values, shape);
    loss = sum(multiply(output, weights));
  }
  const targets = Object.keys(inputs).filter(
    (name) => (inputs[name].dtype ?? 'real') === 'real' && inputs[name].differentiate !== false,
  );
  const results = gradients(
    loss,
    targets.map((name) => tensors[name]),
  );
  return {
    graph,
    loss,
    output,
    gradients: Object.fromEntries(targets.map((name, i) => [name, results[i]])),
    feeds,
  };
}

function feedOf(
  tensor: Tensor,
  values: Float64Array,
  shape: readonly number[],
): { data: TensorData; shape: readonly number[] } {
  const convert: Record<DType, () => TensorData> = {
    float64: () => Float64Array.from(values),
    float32: () => Float32Array.from(values),
    int64: () => BigInt64Array.from(values, (value) => BigInt(value)),
    int32: () => Int32Array.from(values),
    int8: () => Int8Array.from(values),
    uint8: () => Uint8Array.from(values),
    bool: () => Uint8Array.from(values),
  };
  return { data: convert[tensor.dtype](), shape };
}

function sizeOf(dim: Dim, sizes: Readonly<Record<string, number>>): number {
  if (typeof dim === 'number') return dim;
  const coefficient = dim
    .split('*')
    .reduce((product, factor) => product * (sizes[factor] ?? Number(factor)), 1);
  return coefficient;
}
