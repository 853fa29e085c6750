/**
 * Weights as 8-bit integers: a quarter of the memory, and faster products where the processor multiplies integers.
 *
 * Each column of a matrix has a scale of its own; what is multiplied with it is rounded to 8 bits at run time, all of a
 * product's input with one scale. Embeddings, norms and biases stay float32. For what needs no gradient.
 *
 * Weights take the range −63 … 63 only: processors without VNNI add pairs of products in 16 bits, where the full range
 * overflows and is cut off. Measured on AVX2, that made the error 4 % of a product instead of 1.6 %.
 *
 * Shapes: B rows, T tokens, I inputs, O outputs.
 */
import { type Graph, split, type Tensor } from '../tensor/index.ts';
import { storesInputsFirst } from './adapter/target-modules.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { LinearNames } from './layer-names.ts';
import type { ParameterStore } from './parameter-store.ts';
import { ConstantWeights, type Weights } from './weights.ts';

export class Int8Weights implements Weights {
  private readonly graph: Graph;
  private readonly config: DecoderConfig;
  private readonly store: ParameterStore;
  private readonly plain: ConstantWeights;

  constructor(graph: Graph, config: DecoderConfig, store: ParameterStore) {
    this.graph = graph;
    this.config = config;
    this.store = store;
    this.plain = new ConstantWeights(graph, config, store);
  }

  tensor(name: string): Tensor {
    return this.plain.tensor(name);
  }

  project(x: Tensor, layers: readonly LinearNames[]): Tensor[] {
    const { graph, store } = this;
    const matrices = layers.map(({ weight }) => this.matrixOf(weight));
    const [{ inputs }] = matrices;
    const sizes = matrices.map(({ outputs }) => outputs);
    const outputs = sizes.reduce((sum, size) => sum + size, 0);
    const { values, scales } = quantiseColumns(matrices, inputs, outputs);
    const biases = layers.flatMap(({ bias }) => bias ?? []);
    const [product] = graph.node({
      operator: 'DynamicQuantizeMatMul',
      domain: 'com.microsoft',
      inputs: [
        x,
        graph.constant(values, [inputs, outputs]),
        graph.constant(scales, [outputs]),
        null,
        biases.length > 0
          ? graph.constant(concatenated(biases.map((bias) => store.view(bias))), [outputs])
          : null,
      ],
      outputs: [{ dtype: 'float32', shape: [...x.shape.slice(0, -1), outputs] }],
    });
    return split(product, x.rank - 1, sizes);
  }

  private matrixOf(name: string): Matrix {
    const values = this.store.view(name);
    const [first, second] = this.store.shapeOf(name);
    return storesInputsFirst(this.config)
      ? { values, inputs: first, outputs: second, inputsFirst: true }
      : { values, inputs: second, outputs: first, inputsFirst: false };
  }
}

interface Matrix {
  readonly values: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
  /** True: [I, O]; false: [O, I]. */
  readonly inputsFirst: boolean;
}

const largestInteger = 63;

/**
 * Matrices side by side as integers −63 … 63.
 * @returns values [I, O], and scales [O] that they are multiplied with
 */
export function quantiseColumns(
  matrices: readonly Matrix[],
  inputs: number,
  outputs: number,
): { readonly values: Int8Array; readonly scales: Float32Array } {
  const values = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  let column = 0;
  for (const matrix of matrices) {
    const [rowStep, columnStep] = matrix.inputsFirst ? [matrix.outputs, 1] : [1, matrix.inputs];
    for (let o = 0; o < matrix.outputs; o++, column++) {
      let largest = 0;
      for (let i = 0; i < inputs; i++) {
        largest = Math.max(largest, Math.abs(matrix.values[o * columnStep + i * rowStep]));
      }
      const scale = largest === 0 ? 1 : largest / largestInteger;
      scales[column] = scale;
      for (let i = 0; i < inputs; i++) {
        values[i * outputs + column] = Math.round(matrix.values[o * columnStep + i * rowStep] / scale);
      }
    }
  }
  return { values, scales };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
