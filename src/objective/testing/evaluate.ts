/** Helpers for tests of this folder only; nothing in the library imports this file. */
import { type DType, Graph, gradients, Session, type Tensor, type TensorData } from '../../tensor/index.ts';

/** Values of one graph input: numbers (nested lists give the shape), real unless `dtype` says otherwise. */
export interface TestInput {
  readonly data: readonly number[];
  readonly shape: readonly number[];
  readonly dtype: DType | 'real';
}

type Nested = number | readonly Nested[];

/** Reads nested lists as an input; `[[1, 2], [3, 4]]` has shape [2, 2]. */
export function input(values: Nested, dtype: DType | 'real' = 'real'): TestInput {
  const shape: number[] = [];
  for (let level = values; typeof level !== 'number'; level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return { data: flatten(values), shape, dtype };
}

function flatten(values: Nested): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(flatten);
}

export interface Evaluation {
  /** Every output's values, flat. */
  readonly values: Readonly<Record<string, number[]>>;
  /** The first value of every output, for scalars. */
  readonly scalars: Readonly<Record<string, number>>;
  /** The gradient of output `loss` with respect to each named input, flat. */
  readonly gradients: Readonly<Record<string, number[]>>;
}

export interface EvaluateOptions {
  readonly inputs: Readonly<Record<string, TestInput>>;
  /** Builds the outputs from the inputs; `loss` is what is differentiated. */
  readonly build: (inputs: Record<string, Tensor>) => Record<string, Tensor>;
  /** Inputs to differentiate by. Default none. */
  readonly by?: readonly string[];
  /** Default float64. */
  readonly precision?: 'float32' | 'float64';
  /** Shapes to declare in place of the inputs' own, e.g. with symbolic dimensions. */
  readonly shapes?: Readonly<Record<string, readonly (number | string)[]>>;
}

/** Builds a graph, runs it once and returns outputs and gradients. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const run = await prepare(options);
  try {
    return await run.evaluate(options.inputs);
  } finally {
    await run.release();
  }
}

/**
 * The largest gap between the graph's gradients of `loss` and central differences, relative to the larger of 1
 * and the gradient's size; float64, so that a correct rule gives less than 1e-6.
 */
export async function gradientGap(options: EvaluateOptions & { readonly step?: number }): Promise<number> {
  const step = options.step ?? 1e-5;
  const run = await prepare(options);
  try {
    const exact = (await run.evaluate(options.inputs)).gradients;
    let gap = 0;
    for (const name of options.by ?? []) {
      const original = options.inputs[name];
      for (let i = 0; i < original.data.length; i++) {
        const lossAt = async (shift: number): Promise<number> => {
          const data = original.data.slice();
          data[i] += shift;
          return (await run.evaluate({ ...options.inputs, [name]: { ...original, data } })).scalars.loss;
        };
        const difference = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
        gap = Math.max(gap, Math.abs(difference - exact[name][i]) / Math.max(1, Math.abs(difference)));
        if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
      }
    }
    return gap;
  } finally {
    await run.release();
  }
}

async function prepare(options: EvaluateOptions): Promise<{
  evaluate(inputs: Readonly<Record<string, TestInput>>): Promise<Evaluation>;
  release(): Promise<void>;
}> {
  const graph = new Graph({ precision: options.precision ?? 'float64' });
  const tensors = Object.fromEntries(
    Object.entries(options.inputs).map(([name, { dtype, shape }]) => [
      name,
      graph.input(name, dtype, options.shapes?.[name] ?? shape),
    ]),
  );
  const outputs = options.build(tensors);
  const by = options.by ?? [];
  const slopes = by.length
    ? gradients(
        outputs.loss,
        by.map((name) => tensors[name]),
      )
    : [];
  const session = await Session.create<string>(
    graph,
    { ...outputs, ...Object.fromEntries(by.map((name, i) => [`gradient of ${name}`, slopes[i]])) },
    { threads: 1 },
  );
  return {
    release: () => session.release(),
    async evaluate(inputs) {
      const feeds = Object.fromEntries(
        session.inputNames.map((name) => [
          name,
          { data: typed(inputs[name], graph), shape: inputs[name].shape },
        ]),
      );
      const results = await session.run(feeds);
      const flat = (name: string): number[] => Array.from(results[name].data as Float64Array, Number);
      return {
        values: Object.fromEntries(Object.keys(outputs).map((name) => [name, flat(name)])),
        scalars: Object.fromEntries(Object.keys(outputs).map((name) => [name, flat(name)[0]])),
        gradients: Object.fromEntries(by.map((name) => [name, flat(`gradient of ${name}`)])),
      };
    },
  };
}

function typed({ data, dtype }: TestInput, graph: Graph): TensorData {
  if (dtype === 'int64') return BigInt64Array.from(data, BigInt);
  if (dtype === 'int32') return Int32Array.from(data);
  if (dtype === 'bool' || dtype === 'uint8') return Uint8Array.from(data);
  return graph.precision === 'float64' ? Float64Array.from(data) : Float32Array.from(data);
}
