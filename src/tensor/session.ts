/**
 * Runs a graph through ONNX Runtime.
 *
 * `run` computes on the calling thread (ONNX Runtime adds its own helpers), so a process that must stay
 * responsive keeps its sessions in a worker thread; `src/run` and `src/llm` do.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { TenetError } from '../base/index.ts';
import { coefficientOf, type Dim, formatShape, symbolsOf } from './dims.ts';
import { encodeGraph } from './encode.ts';
import type { Graph, Tensor, TensorData } from './graph.ts';

type Runtime = typeof import('onnxruntime-node');
type RuntimeTensor = import('onnxruntime-node').Tensor;

/** Where graphs run. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface SessionOptions {
  /** Execution provider. Default cpu. */
  readonly device?: Device;
  /** Threads inside one operator. Default: the machine's cores. Results are bit-identical per thread count. */
  readonly threads?: number;
}

/** Values of an input; the shape may be left out when the graph knows it, or when it has one axis. */
export type Feed = TensorData | { readonly data: TensorData; readonly shape: readonly number[] };
export type Feeds = Readonly<Record<string, Feed>>;

export interface TensorValue {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

/** A graph ready to run. */
export class Session<Outputs extends string = string> {
  private readonly runtime: Runtime;
  private readonly session: import('onnxruntime-node').InferenceSession;
  private readonly inputs: readonly Tensor[];
  private readonly outputs: Readonly<Record<string, Tensor>>;
  private readonly fetches: readonly string[];
  private readonly tensorCache = new WeakMap<TensorData, RuntimeTensor>();

  private constructor(
    runtime: Runtime,
    session: import('onnxruntime-node').InferenceSession,
    inputs: readonly Tensor[],
    outputs: Readonly<Record<string, Tensor>>,
  ) {
    this.runtime = runtime;
    this.session = session;
    this.inputs = inputs;
    this.outputs = outputs;
    this.fetches = [...new Set(Object.values(outputs).map((tensor) => tensor.name))];
  }

  /**
   * Encodes and loads a graph.
   * @param outputs the tensors to compute, under the names they are returned by
   * @throws TenetError('internal') with ONNX Runtime's message if it refuses the graph
   */
  static async create<Outputs extends string>(
    graph: Graph,
    outputs: Readonly<Record<Outputs, Tensor>>,
    options: SessionOptions = {},
  ): Promise<Session<Outputs>> {
    const device = options.device ?? 'cpu';
    if (device !== 'cpu' && !graph.portable) {
      throw new TenetError(
        'usage',
        `Session: a graph for ${device} must be built with { portable: true }; CPU-only fused operators would fall back`,
      );
    }
    // A graph input or constant cannot be an ONNX output itself.
    const computed = new Set(graph.nodes.flatMap((node) => node.outputs));
    const wanted: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries<Tensor>(outputs)) {
      wanted[name] = computed.has(tensor)
        ? tensor
        : graph.node({
            operator: 'Identity',
            inputs: [tensor],
            outputs: [{ dtype: tensor.dtype, shape: tensor.shape }],
          })[0];
    }
    const runtime = loadRuntime();
    const unique = [...new Set(Object.values(wanted))];
    try {
      const { model, constants } = encodeGraph(graph, unique);
      const session = await runtime.InferenceSession.create(model, {
        ...(constants.length > 0 && { externalData: constants }),
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        intraOpNumThreads: options.threads ?? availableParallelism(),
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        // A pattern would be a second block of memory for every batch shape that comes again, and saves no time.
        enableMemPattern: false,
        logSeverityLevel: 4, // errors are thrown, not printed as well
        extra: {
          // Otherwise a session's idle threads spin on after its run, on the cores that the next session needs:
          // two that take turns, as policy and reference do, took twice as long.
          session: { force_spinning_stop: '1' },
          // `weightGradient` transposes by itself, which is faster than the product this would fuse it into.
          optimization: { disable_specified_optimizers: 'MatmulTransposeFusion' },
        },
      });
      const inputs = graph.inputs.filter((input) => session.inputNames.includes(input.name));
      return new Session<Outputs>(runtime, session, inputs, wanted);
    } catch (error) {
      if (TenetError.is(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new TenetError('internal', `ONNX Runtime refused the graph on ${device}: ${message}`, {
        cause: error,
      });
    }
  }

  /** Names of the inputs that the outputs depend on. */
  get inputNames(): readonly string[] {
    return this.inputs.map((input) => input.name);
  }

  /**
   * Computes the outputs.
   * @param names return only these, which saves copying the others. Default: all.
   * @throws TenetError('shape') naming every input that is missing or of the wrong size; feeds that the outputs do not need are ignored
   */
  async run<Names extends Outputs = Outputs>(
    feeds: Feeds,
    names?: readonly Names[],
  ): Promise<Record<Names, TensorValue>> {
    const tensors = this.bind(feeds);
    const wanted = names ?? (Object.keys(this.outputs) as Names[]);
    const fetches = names ? [...new Set(names.map((name) => this.outputs[name].name))] : this.fetches;
    let results: Awaited<ReturnType<typeof this.session.run>>;
    try {
      results = await this.session.run(tensors, fetches as string[]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new TenetError('internal', `ONNX Runtime failed while running the graph: ${message}`, {
        cause: error,
      });
    }
    const values: Record<string, TensorValue> = {};
    for (const name of wanted) {
      const result = results[this.outputs[name].name];
      values[name] = { data: result.data as unknown as TensorData, shape: result.dims };
    }
    return values as Record<Names, TensorValue>;
  }

  /** Frees the session's memory. */
  async release(): Promise<void> {
    await this.session.release();
  }

  private bind(feeds: Feeds): Record<string, RuntimeTensor> {
    const problems: string[] = [];
    const sizes = new Map<string, { size: number; input: string }>();
    const tensors: Record<string, RuntimeTensor> = {};
    for (const input of this.inputs) {
      const feed = feeds[input.name];
      if (!feed) {
        problems.push(`"${input.name}" ${formatShape(input.shape)} is missing`);
        continue;
      }
      const data = ArrayBuffer.isView(feed) ? feed : feed.data;
      const shape = ArrayBuffer.isView(feed) ? impliedShape(input, data) : feed.shape;
      const problem = shape ? misfit(input, data, shape, sizes) : 'needs an explicit shape';
      if (problem) problems.push(`"${input.name}" ${formatShape(input.shape)} ${problem}`);
      else tensors[input.name] = this.toRuntime(input, data, shape as readonly number[]);
    }
    if (problems.length) {
      throw new TenetError('shape', `Session.run: ${problems.join('; ')}`, { details: { problems } });
    }
    return tensors;
  }

  private toRuntime(input: Tensor, data: TensorData, shape: readonly number[]): RuntimeTensor {
    const cached = this.tensorCache.get(data);
    const fits = cached?.type === input.dtype && cached.dims.length === shape.length;
    if (cached && fits && cached.dims.every((dim, i) => dim === shape[i])) return cached;
    const tensor = new this.runtime.Tensor(
      input.dtype as 'float32',
      data as Float32Array,
      shape as number[],
    ) as RuntimeTensor;
    this.tensorCache.set(data, tensor);
    return tensor;
  }
}

/** The shape data must have when the input leaves at most its only axis open. */
function impliedShape(input: Tensor, data: TensorData): readonly number[] | null {
  if (input.shape.every((dim) => typeof dim === 'number')) return input.shape as readonly number[];
  return input.rank === 1 ? [data.length] : null;
}

function misfit(
  input: Tensor,
  data: TensorData,
  shape: readonly number[],
  sizes: Map<string, { size: number; input: string }>,
): string | null {
  const expected = dataClass(input);
  if (!(data instanceof expected))
    return `is ${input.dtype} and takes a ${expected.name}, got ${data.constructor.name}`;
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count !== data.length)
    return `was given shape ${formatShape(shape)} = ${count} values, but ${data.length} values`;
  if (shape.length !== input.rank) return `was given shape ${formatShape(shape)} of another rank`;
  for (const [axis, dim] of input.shape.entries()) {
    const conflict = bindDim(dim, shape[axis], input.name, sizes);
    if (conflict) return `axis ${axis}: ${conflict}`;
  }
  return null;
}

function bindDim(
  dim: Dim,
  size: number,
  input: string,
  sizes: Map<string, { size: number; input: string }>,
): string | null {
  if (typeof dim === 'number') return dim === size ? null : `is ${size}, must be ${dim}`;
  const [symbol, ...others] = symbolsOf(dim);
  if (others.length || coefficientOf(dim) !== 1) return null; // a product: ONNX Runtime checks it where it is used
  const bound = sizes.get(symbol);
  if (!bound) sizes.set(symbol, { size, input });
  else if (bound.size !== size) return `${symbol} is ${size} here but ${bound.size} in "${bound.input}"`;
  return null;
}

function dataClass(input: Tensor): { new (...args: never[]): TensorData; name: string } {
  const classes = {
    float32: Float32Array,
    float64: Float64Array,
    int64: BigInt64Array,
    int32: Int32Array,
    uint8: Uint8Array,
    int8: Int8Array,
    bool: Uint8Array,
  } as const;
  return classes[input.dtype] as { new (...args: never[]): TensorData; name: string };
}

let loaded: Runtime | undefined;

/** Loads ONNX Runtime on first use, so that commands that never compute start fast. */
function loadRuntime(): Runtime {
  try {
    loaded ??= createRequire(import.meta.url)('onnxruntime-node') as Runtime;
    return loaded;
  } catch (error) {
    throw new TenetError(
      'usage',
      'ONNX Runtime could not be loaded. Tenet needs the package onnxruntime-node with its native library for ' +
        `${process.platform}-${process.arch}; reinstall with "npm ci". Cause: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
