/**
 * Where a graph's weights come from: graph inputs (training, scoring) or constants (generating).
 *
 * Constants let ONNX Runtime pack matrices once for faster products, and let layers that read the same input
 * be merged into one product; inputs can change between runs without rebuilding.
 */
import { add, type Graph, linear, matmul, reshape, split, type Tensor } from '../tensor/index.ts';
import { type ApplyDropout, adaptedLinear } from './adapter/adapted-linear.ts';
import { storesInputsFirst } from './adapter/target-modules.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { LinearNames } from './layer-names.ts';
import type { ParameterShapes, ParameterStore } from './parameter-store.ts';

export interface Weights {
  /** The tensor of a parameter. */
  tensor(name: string): Tensor;
  /**
   * Applies linear layers that share one input.
   * @param x [B, T, I]
   * @returns [B, T, O] for each layer
   */
  project(x: Tensor, layers: readonly LinearNames[]): Tensor[];
}

/** Weights as graph inputs named like the parameters, declared on first use; adapters are branches beside them. */
export class InputWeights implements Weights {
  /** The inputs declared so far, by parameter name. */
  readonly inputs: Map<string, Tensor> = new Map();
  private readonly graph: Graph;
  private readonly config: DecoderConfig;
  private readonly store: ParameterShapes;
  private readonly dropout: ApplyDropout | null;

  /** @param dropout of what adapters read; only while training. Default: none */
  constructor(
    graph: Graph,
    config: DecoderConfig,
    store: ParameterShapes,
    dropout: ApplyDropout | null = null,
  ) {
    this.graph = graph;
    this.config = config;
    this.store = store;
    this.dropout = dropout;
  }

  tensor(name: string): Tensor {
    const tensor = this.inputs.get(name) ?? this.graph.input(name, 'real', this.store.shapeOf(name));
    this.inputs.set(name, tensor);
    return tensor;
  }

  project(x: Tensor, layers: readonly LinearNames[]): Tensor[] {
    const { config, store, dropout } = this;
    return adaptedLinear(
      x,
      layers.map(({ weight, bias }) => {
        const lowRank = store.lowRankOf?.(weight) ?? null;
        return {
          matrix: this.tensor(weight),
          bias: bias ? this.tensor(bias) : null,
          lowRank: lowRank && {
            a: this.tensor(lowRank.a),
            b: this.tensor(lowRank.b),
            scale: lowRank.scale,
            magnitude: lowRank.magnitude === null ? null : this.tensor(lowRank.magnitude),
          },
        };
      }),
      {
        plain: (matrix, bias) => applyLinear(config, x, matrix, bias),
        inputsFirst: storesInputsFirst(config),
        dropout: dropout && ((input) => dropout(input, layers[0].weight)),
      },
    );
  }
}

/** Weights embedded in the graph; layers sharing an input become one product where memory allows. */
export class ConstantWeights implements Weights {
  private readonly graph: Graph;
  private readonly config: DecoderConfig;
  private readonly store: ParameterStore;
  private readonly constants = new Map<string, Tensor>();

  constructor(graph: Graph, config: DecoderConfig, store: ParameterStore) {
    this.graph = graph;
    this.config = config;
    this.store = store;
  }

  tensor(name: string): Tensor {
    return this.constant([name]);
  }

  project(x: Tensor, layers: readonly LinearNames[]): Tensor[] {
    const weight = this.constant(layers.map((layer) => layer.weight));
    const biases = layers.flatMap((layer) => layer.bias ?? []);
    const bias = biases.length ? this.constant(biases) : null;
    const result = applyLinear(this.config, x, weight, bias);
    if (layers.length === 1) return [result];
    return split(
      result,
      2,
      layers.map((layer) => this.store.shapeOf(layer.weight)[0]),
    );
  }

  /** Parameters that follow one another in memory, stacked along their first axis. */
  private constant(names: readonly string[]): Tensor {
    const key = names.join('+');
    let tensor = this.constants.get(key);
    if (!tensor) {
      const [rows, ...rest] = this.store.shapeOf(names[0]);
      const total =
        names.length === 1 ? rows : names.reduce((sum, name) => sum + this.store.shapeOf(name)[0], 0);
      tensor = this.graph.constant(this.store.fusedView(names), [total, ...rest]);
      this.constants.set(key, tensor);
    }
    return tensor;
  }
}

/** A linear layer in the family's own weight layout: [O, I], or [I, O] for GPT-2. */
function applyLinear(config: DecoderConfig, x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  if (!storesInputsFirst(config)) return linear(x, weight, bias);
  const [batch, length, width] = x.shape;
  const product = matmul(reshape(x, [-1, width]), weight);
  return reshape(bias ? add(product, bias) : product, [batch, length, weight.shape[1]]);
}
