/**
 * A decoder's layers run one at a time, each again in the backward pass: activation checkpointing.
 *
 * Only what enters each layer is kept, so memory grows with layers × width instead of with everything that a layer
 * computes, at the price of one more forward pass. A single graph that computed layers twice would not do: ONNX Runtime
 * merges what is computed twice into one, and decides itself when to compute it. Layers of one structure share two
 * sessions, one per direction, and differ in the weights that are fed.
 *
 * Shapes: B rows, T tokens per row, D width, L layers.
 *
 * @see Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv:1604.06174, section 4.
 */
import {
  type Feed,
  type Feeds,
  Graph,
  gradients,
  multiply,
  Session,
  type SessionOptions,
  sum,
  type Tensor,
  type TensorValue,
} from '../tensor/index.ts';
import { adapterDropout, dropoutColumns, isDropoutColumns } from './adapter/dropout.ts';
import { decoderLayer, embed, tokenInputs } from './decoder.ts';
import type { DecoderConfig } from './decoder-config.ts';
import { layerNames, layerPrefix } from './layer-names.ts';
import { readTokens } from './model-graph.ts';
import type { ParameterStore } from './parameter-store.ts';
import { InputWeights } from './weights.ts';

export interface LayerStackOptions extends SessionOptions {
  /** As in `buildModelGraph`. Default 0. */
  readonly dropout?: number;
  /** As in `buildModelGraph`. Default false. */
  readonly sharedPrompts?: boolean;
}

/** What a forward pass leaves for the backward pass. */
export interface StackPass {
  /** [L + 1][B, T, D] what enters each layer, and what the last one gives. */
  readonly states: readonly { readonly data: Float32Array; readonly shape: readonly number[] }[];
  readonly feeds: Feeds;
}

/** Gradients by parameter; those that are already there are added to. */
export type GradientSum = Record<string, Float32Array>;

export class LayerStack implements AsyncDisposable {
  private readonly config: DecoderConfig;
  private readonly parameters: ParameterStore;
  private readonly embedding: Embedding;
  /** [L] */
  private readonly layers: readonly Layer[];
  /** The first layer that something is trained in, or below; L where nothing is. */
  private readonly lowest: number;

  private constructor(
    config: DecoderConfig,
    parameters: ParameterStore,
    embedding: Embedding,
    layers: readonly Layer[],
  ) {
    this.config = config;
    this.parameters = parameters;
    this.embedding = embedding;
    this.layers = layers;
    const first = layers.findIndex(({ backward }) => backward.trained.length > 0);
    this.lowest = embedding.trained.length > 0 ? 0 : first < 0 ? layers.length : first;
  }

  static async create(
    config: DecoderConfig,
    parameters: ParameterStore,
    options: LayerStackOptions = {},
  ): Promise<LayerStack> {
    const embedding = await createEmbedding(config, parameters, options);
    const kinds = new Map<string, Promise<Layer>>();
    const layers: Layer[] = [];
    for (let i = 0; i < config.layers; i++) {
      const kind = kindOf(config, parameters, i);
      const layer = kinds.get(kind) ?? createLayer(config, parameters, i, options);
      kinds.set(kind, layer);
      layers.push(await layer);
    }
    return new LayerStack(config, parameters, embedding, layers);
  }

  /** Names of the parameters that it gives gradients of. */
  get trained(): string[] {
    return [
      ...this.embedding.trained,
      ...this.layers.flatMap(({ model, backward }, i) =>
        backward.trained.map((name) => this.nameAt(name, model, i)),
      ),
    ];
  }

  /** @param feeds the token inputs, and the draws of dropout */
  async forward(feeds: Feeds): Promise<StackPass> {
    const { forward, weights } = this.embedding;
    const first = await forward.run({ ...this.feedsFor(weights, 0, 0), ...feeds });
    const states = [{ data: first.states.data as Float32Array, shape: first.states.shape }];
    for (const [i, { forward: layer, model }] of this.layers.entries()) {
      const { states: next } = await layer.run({
        ...feeds,
        ...this.feedsFor(layer.inputNames, model, i),
        states: states[i],
      });
      states.push({ data: next.data as Float32Array, shape: next.shape });
    }
    return { states, feeds };
  }

  /**
   * Adds the gradients of the layers and the embedding to those given, from the last layer down.
   * @param gradient [B, T, D] of what the last layer gave
   */
  async backward({ states, feeds }: StackPass, gradient: Float32Array, found: GradientSum): Promise<void> {
    const { shape } = states[0];
    let incoming: Feed = { data: gradient, shape };
    for (let i = this.layers.length - 1; i >= this.lowest; i--) {
      const { backward, model } = this.layers[i];
      const goesOn = i > this.lowest || this.embedding.trained.length > 0;
      const results: Record<string, TensorValue> = await backward.session.run(
        { ...feeds, ...this.feedsFor(backward.session.inputNames, model, i), states: states[i], incoming },
        [...backward.trained, ...(goesOn ? [stateGradient] : [])],
      );
      for (const name of backward.trained) {
        addTo(found, this.nameAt(name, model, i), results[name].data as Float32Array);
      }
      if (goesOn) incoming = { data: results[stateGradient].data as Float32Array, shape };
    }
    const { backward } = this.embedding;
    if (!backward) return;
    const results = await backward.run({ ...feeds, incoming });
    for (const [name, { data }] of Object.entries(results)) addTo(found, name, data as Float32Array);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { forward, backward } = this.embedding;
    const sessions = [
      forward,
      backward,
      ...this.layers.flatMap((layer) => [layer.forward, layer.backward.session]),
    ];
    for (const session of new Set(sessions)) await session?.release();
  }

  /** The name at layer `index` of what layer `model` calls so. */
  private nameAt(name: string, model: number, index: number): string {
    return name.replace(layerPrefix(this.config, model), layerPrefix(this.config, index));
  }

  /** Weights, and the columns of dropout, for the inputs of a session that was built for layer `model`. */
  private feedsFor(inputs: readonly string[], model: number, index: number): Record<string, Float32Array> {
    const feeds: Record<string, Float32Array> = {};
    for (const input of inputs) {
      const name = this.nameAt(input, model, index);
      if (isDropoutColumns(input)) feeds[input] = this.columnsOf(name);
      else if (this.parameters.has(name)) feeds[input] = this.parameters.view(name);
    }
    return feeds;
  }

  private readonly columns = new Map<string, Float32Array>();

  private columnsOf(name: string): Float32Array {
    const weight = name.slice(name.indexOf(':') + 1);
    const a = this.parameters.lowRankOf(weight)?.a ?? weight;
    const values = this.columns.get(name) ?? dropoutColumns(name, this.parameters.shapeOf(a)[1]);
    this.columns.set(name, values);
    return values;
  }
}

const stateGradient = 'gradient of states';

/** Two sessions for all layers of one structure, named as the layer `model` that they were built for. */
interface Layer {
  readonly model: number;
  readonly forward: Session<'states'>;
  readonly backward: { readonly session: Session<string>; readonly trained: readonly string[] };
}

interface Embedding {
  readonly forward: Session<'states'>;
  readonly weights: readonly string[];
  readonly trained: readonly string[];
  /** Null where it is not trained. */
  readonly backward: Session<string> | null;
}

async function createLayer(
  config: DecoderConfig,
  parameters: ParameterStore,
  index: number,
  options: LayerStackOptions,
): Promise<Layer> {
  const ahead = layerGraph(config, parameters, index, options);
  const forward = await Session.create(ahead.graph, { states: ahead.result }, options);
  const again = layerGraph(config, parameters, index, options);
  const { graph, states } = again;
  const trained = [...again.weights.inputs].filter(([name]) => parameters.owns(name));
  const product = sum(multiply(again.result, graph.input('incoming', 'real', states.shape)));
  const [ofStates, ...ofWeights] = gradients(product, [states, ...trained.map(([, tensor]) => tensor)]);
  const outputs: Record<string, Tensor> = { [stateGradient]: ofStates };
  trained.forEach(([name], i) => {
    outputs[name] = ofWeights[i];
  });
  const session = await Session.create<string>(graph, outputs, options);
  return { model: index, forward, backward: { session, trained: trained.map(([name]) => name) } };
}

/** One layer over the input `states` [B, T, D] and those of the tokens. */
function layerGraph(
  config: DecoderConfig,
  parameters: ParameterStore,
  index: number,
  { dropout, sharedPrompts = false }: LayerStackOptions,
): { graph: Graph; states: Tensor; result: Tensor; weights: InputWeights } {
  const graph = new Graph();
  const { attend } = readTokens(config, graph, sharedPrompts);
  const states = graph.input('states', 'real', ['B', 'T', config.width]);
  const applyDropout = dropout ? adapterDropout(graph, dropout).apply : null;
  const weights = new InputWeights(graph, config, parameters, applyDropout);
  const result = decoderLayer(config, weights, states, index, attend);
  return { graph, states, result, weights };
}

async function createEmbedding(
  config: DecoderConfig,
  parameters: ParameterStore,
  options: LayerStackOptions,
): Promise<Embedding> {
  const build = () => {
    const graph = new Graph();
    const weights = new InputWeights(graph, config, parameters);
    return { graph, weights, result: embed(config, weights, tokenInputs(graph)) };
  };
  const ahead = build();
  const forward = await Session.create(ahead.graph, { states: ahead.result }, options);
  const names = [...ahead.weights.inputs.keys()];
  const trained = names.filter((name) => parameters.owns(name));
  if (trained.length === 0) return { forward, weights: names, trained, backward: null };
  const again = build();
  const incoming = again.graph.input('incoming', 'real', again.result.shape);
  const tensors = gradients(
    sum(multiply(again.result, incoming)),
    trained.map((name) => again.weights.tensor(name)),
  );
  const outputs = Object.fromEntries(trained.map((name, i) => [name, tensors[i]]));
  const backward = await Session.create<string>(again.graph, outputs, options);
  return { forward, weights: names, trained, backward };
}

/** Equal for layers that one graph can compute: the same window, the same adapters. */
function kindOf(config: DecoderConfig, parameters: ParameterStore, index: number): string {
  const names = layerNames(config, index);
  const { queryKeyValue: layout } = names;
  const attention = layout.kind === 'fused' ? [layout.fused] : [layout.query, layout.key, layout.value];
  const linear = [...attention, names.attentionOutput, names.gate, names.up, names.down];
  const adapters = linear.map((layer) => {
    const lowRank = layer && parameters.lowRankOf(layer.weight);
    return lowRank && [lowRank.scale, parameters.shapeOf(lowRank.a)[0]];
  });
  return JSON.stringify([config.slidingWindows[index], adapters]);
}

function addTo(found: GradientSum, name: string, gradient: Float32Array): void {
  const known = found[name];
  if (!known) found[name] = gradient;
  else for (let i = 0; i < known.length; i++) known[i] += gradient[i];
}
