/**
 * The graph builder: tensors are symbolic values, nodes are ONNX operators with a rule for their gradient.
 *
 * Nothing is computed here. A graph is built once by calling the operators of `ops/`, encoded to ONNX
 * (`encode.ts`) and run many times (`session.ts`).
 */
import { TenetError } from '../base/index.ts';
import { canonicalDim, coefficientOf, type Dim, formatShape, type Shape, symbolsOf } from './dims.ts';

export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** Array types that hold a tensor's values on the JavaScript side. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** Gradients with respect to a node's inputs, given those of its outputs (null = no gradient flows). */
export type BackwardRule = (outputGradients: readonly (Tensor | null)[]) => readonly (Tensor | null)[];

export interface GraphNode {
  readonly operator: string;
  /** '' for standard ONNX, 'com.microsoft' for ONNX Runtime's own operators. */
  readonly domain: string;
  /** A null input is an omitted optional one. */
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** How gradients pass through one operator, or through several that were built as one. */
export interface GradientRecord {
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly backward: BackwardRule;
}

/** A symbolic value: its element type and shape are known, its numbers are not. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** How a gradient passes through what computed it; null where none does (inputs, constants, integers). */
  gradientRecord: GradientRecord | null = null;

  constructor(graph: Graph, name: string, dtype: DType, shape: Shape) {
    this.graph = graph;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

export interface GraphConstant {
  readonly tensor: Tensor;
  readonly data: TensorData;
}

export interface NodeOptions {
  readonly operator: string;
  readonly domain?: string;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly { readonly dtype: DType; readonly shape: Shape }[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly backward?: BackwardRule;
}

export interface GraphOptions {
  /** Element type of real numbers. float64 is for checking gradients; it implies `portable`. Default float32. */
  readonly precision?: 'float32' | 'float64';
  /**
   * True: only standard operators, so that the graph runs on every execution provider (WebGPU) and in
   * float64. False: ONNX Runtime's fused CPU kernels where they are faster. Default false.
   */
  readonly portable?: boolean;
}

export class Graph {
  readonly precision: 'float32' | 'float64';
  readonly portable: boolean;
  readonly nodes: GraphNode[] = [];
  /** In the order of computation. */
  readonly gradientRecords: GradientRecord[] = [];
  readonly inputs: Tensor[] = [];
  readonly constants: GraphConstant[] = [];
  private readonly constantCache = new Map<string, Tensor>();
  private readonly dimCache = new Map<string, Tensor>();
  private nextId = 0;

  constructor(options: GraphOptions = {}) {
    this.precision = options.precision ?? 'float32';
    this.portable = options.portable ?? this.precision === 'float64';
  }

  /** Declares a value fed at each run. Symbolic dimensions take their size from what is fed. */
  input(name: string, dtype: DType | 'real', shape: Shape): Tensor {
    if (this.inputs.some((input) => input.name === name)) {
      throw new TenetError('shape', `graph: input "${name}" is declared twice; give each input its own name`);
    }
    const tensor = new Tensor(this, name, dtype === 'real' ? this.precision : dtype, shape.map(canonicalDim));
    this.inputs.push(tensor);
    return tensor;
  }

  /** Embeds values in the graph. ONNX Runtime packs constant weights for faster products. */
  constant(data: TensorData, shape: readonly number[], dtype: DType = dtypeOf(data)): Tensor {
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (size !== data.length) {
      throw new TenetError(
        'shape',
        `constant: shape ${formatShape(shape)} holds ${size} values but ${data.length} were given`,
      );
    }
    const tensor = new Tensor(this, `c${this.nextId++}`, dtype, shape);
    this.constants.push({ tensor, data });
    return tensor;
  }

  /** A real scalar constant; equal numbers share one constant. */
  scalar(value: number): Tensor {
    return this.cachedConstant(`real:${value}`, () =>
      this.constant(
        this.precision === 'float64' ? Float64Array.of(value) : Float32Array.of(value),
        [],
        this.precision,
      ),
    );
  }

  /** A constant list of int64 numbers (axes, shapes, indices); equal lists share one constant. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
    return this.cachedConstant(`int64:${shape.join(',')}:${values.join(',')}`, () =>
      this.constant(
        BigInt64Array.from(values, (value) => BigInt(value)),
        shape,
      ),
    );
  }

  /** An int64 tensor [rank] holding a shape, also where several dimensions are symbolic. */
  shapeTensor(shape: Shape): Tensor {
    const symbolic = shape.filter((dim) => typeof dim !== 'number');
    if (symbolic.length === 0) return this.integers(shape as readonly number[]);
    const key = `shape:${shape.join(',')}`;
    const cached = this.dimCache.get(key);
    if (cached) return cached;
    const parts = shape.map((dim) => (typeof dim === 'number' ? this.integers([dim]) : this.dimTensor(dim)));
    const tensor =
      parts.length === 1
        ? parts[0]
        : this.node({
            operator: 'Concat',
            inputs: parts,
            outputs: [{ dtype: 'int64', shape: [shape.length] }],
            attributes: { axis: 0 },
          })[0];
    this.dimCache.set(key, tensor);
    return tensor;
  }

  /** An int64 tensor [1] holding a dimension's size at run time. */
  dimTensor(dim: Dim): Tensor {
    if (typeof dim === 'number') return this.integers([dim]);
    const cached = this.dimCache.get(dim);
    if (cached) return cached;
    const factors: Tensor[] = symbolsOf(dim).map((symbol) => this.symbolTensor(symbol));
    if (coefficientOf(dim) !== 1) factors.push(this.integers([coefficientOf(dim)]));
    const tensor = factors.reduce(
      (a, b) => this.node({ operator: 'Mul', inputs: [a, b], outputs: [{ dtype: 'int64', shape: [1] }] })[0],
    );
    this.dimCache.set(dim, tensor);
    return tensor;
  }

  /** A new symbol for the sum of dimensions, such as `P+T`, whose size is known where theirs are. */
  sumOfDims(dims: readonly Dim[]): Dim {
    const symbol = dims.join('+');
    if (!this.dimCache.has(symbol)) {
      const sum = dims
        .map((dim) => this.dimTensor(dim))
        .reduce(
          (a, b) =>
            this.node({ operator: 'Add', inputs: [a, b], outputs: [{ dtype: 'int64', shape: [1] }] })[0],
        );
      this.dimCache.set(symbol, sum);
    }
    return symbol;
  }

  private symbolTensor(symbol: string): Tensor {
    const cached = this.dimCache.get(symbol);
    if (cached) return cached;
    for (const input of this.inputs) {
      const axis = input.shape.indexOf(symbol);
      if (axis < 0) continue;
      const [tensor] = this.node({
        operator: 'Shape',
        inputs: [input],
        outputs: [{ dtype: 'int64', shape: [1] }],
        attributes: { start: axis, end: axis + 1 },
      });
      this.dimCache.set(symbol, tensor);
      return tensor;
    }
    throw new TenetError(
      'shape',
      `graph: no input has a dimension "${symbol}", so its size cannot be known at run time; ` +
        `inputs are ${this.inputs.map((input) => `${input.name} ${formatShape(input.shape)}`).join(', ')}`,
    );
  }

  /** Adds an operator; the functions in `ops/` are the checked way to call this. */
  node(options: NodeOptions): Tensor[] {
    const outputs = options.outputs.map(
      ({ dtype, shape }) => new Tensor(this, `t${this.nextId++}`, dtype, shape),
    );
    const node: GraphNode = {
      operator: options.operator,
      domain: options.domain ?? '',
      inputs: options.inputs,
      outputs,
      attributes: options.attributes ?? {},
    };
    this.nodes.push(node);
    if (options.backward) this.differentiable(options.inputs, outputs, options.backward);
    return outputs;
  }

  /**
   * Gives a part of the graph one gradient rule in place of its nodes' own, e.g. because the rule written by
   * hand needs fewer passes over memory.
   */
  differentiable(
    inputs: readonly (Tensor | null)[],
    outputs: readonly Tensor[],
    backward: BackwardRule,
  ): void {
    const record: GradientRecord = { inputs, outputs, backward };
    for (const output of outputs) output.gradientRecord = record;
    this.gradientRecords.push(record);
  }

  private cachedConstant(key: string, make: () => Tensor): Tensor {
    let tensor = this.constantCache.get(key);
    if (!tensor) {
      tensor = make();
      this.constantCache.set(key, tensor);
    }
    return tensor;
  }
}

/** The element type an array holds (a Uint8Array is `uint8`; booleans must be named). */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof Int8Array ? 'int8' : 'uint8';
}

/**
 * The error for operands that do not fit: names the operator, its inputs' shapes, the rule, and the line
 * of the code that called the operator.
 */
export function shapeError(
  operator: string,
  inputs: readonly (Tensor | { shape: Shape })[],
  rule: string,
): TenetError {
  const shapes = inputs.map((input) => formatShape(input.shape));
  const caller = callerOutsideEngine();
  return new TenetError(
    'shape',
    `${operator}: ${rule}; got ${shapes.join(' and ')}${caller ? ` (called at ${caller})` : ''}`,
    { details: { operator, shapes, caller } },
  );
}

function callerOutsideEngine(): string | undefined {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const outside = frames.find(
    (frame) => !/[\\/]tensor[\\/](ops[\\/])?[\w-]+\.(ts|js)[:?]/.test(frame) || /\.test\.ts/.test(frame),
  );
  return outside?.replace(/^\s*at\s+/, '').trim();
}
