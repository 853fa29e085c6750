/**
 * The two graphs that generate text: one reads whole prompts, one reads one token per sequence.
 *
 * Shapes: B rows, T prompt tokens, S cache slots, D width, H query heads in K groups of G, W head width,
 * V vocabulary, L layers, N numbers of a probe.
 */
import {
  add,
  and,
  cast,
  Graph,
  gatherRows,
  less,
  linear,
  matmul,
  max,
  multiply,
  range,
  reshape,
  rotaryTable,
  scoreMask,
  softmax,
  subtract,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import {
  type AttentionStep,
  decoder,
  outputProjection,
  sequenceAttention,
  tokenInputs,
  turn,
} from '../decoder.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { ConstantWeights, InputWeights } from '../weights.ts';
import { prefixAttention } from './prefix-attention.ts';
import { ProbeReadout, type StateProbe } from './state-probe.ts';

/** What a token is chosen from; R sequences. */
export interface Distribution {
  /** [R, V] raw. */
  readonly logits: Tensor;
  /** [R, V] softmax of logits / temperature. */
  readonly probabilities: Tensor;
  /** [R] int32, the most likely token; the lowest id among equals. */
  readonly likeliest: Tensor;
  /** [R] the largest of `probabilities`. */
  readonly largest: Tensor;
}

export interface PromptGraph {
  readonly graph: Graph;
  readonly weights: InputWeights;
  /**
   * The distribution of each sequence's first new token, `keys0`, `values0`, … [B, K, T, W] by layer, and with a probe
   * `probe` [B * T, N].
   */
  readonly outputs: Readonly<Record<string, Tensor>> & Distribution;
}

/**
 * Reads prompts; `rows` [R] says which hidden states (b · T + t) predict each sequence's first new token.
 * @param options.behindPrefix true: all prompts go on behind one prefix that was read before, see `prefixAttention`;
 *   the keys and values that come out are those of the tokens behind it. Default false.
 * @param options.probe its N numbers are computed for every token. Default none.
 */
export function buildPromptGraph(
  config: DecoderConfig,
  store: Pick<ParameterStore, 'shapeOf'>,
  options: { readonly behindPrefix?: boolean; readonly probe?: StateProbe } = {},
): PromptGraph {
  const graph = new Graph();
  const weights = new InputWeights(graph, config, store);
  const tokens = tokenInputs(graph);
  const outputs: Record<string, Tensor> = {};
  let layer = 0;
  const [batch, length] = tokens.ids.shape;
  const perHead = (x: Tensor): Tensor =>
    transpose(reshape(x, [batch, length, config.kvHeads, config.headWidth]), [0, 2, 1, 3]);
  const capture = (key: Tensor, value: Tensor): void => {
    outputs[`keys${layer}`] = perHead(key);
    outputs[`values${layer}`] = perHead(value);
    layer++;
  };
  const attend = options.behindPrefix
    ? prefixAttention(config, graph, tokens, capture)
    : sequenceAttention(config, tokens, capture);
  const readout = options.probe && new ProbeReadout(graph, config, options.probe);
  const states = decoder(config, weights, tokens, attend, readout && ((x, i) => readout.add(x, i)));
  if (readout) outputs.probe = readout.scores;
  const rows = graph.input('rows', 'int32', ['R']);
  const inverseTemperatures = graph.input('inverseTemperatures', 'float32', ['R', 1]);
  const last = gatherRows(reshape(states, [-1, config.width]), rows);
  const logits = linear(last, outputProjection(config, weights));
  return { graph, weights, outputs: { ...outputs, ...distribution(logits, inverseTemperatures) } };
}

export interface DecodeGraph {
  readonly graph: Graph;
  /**
   * The distribution of each row's next token, `entries` [L, 2, B, K, W], each layer's new key and value, and with a probe
   * `probe` [B, N] of the tokens that are read.
   */
  readonly outputs: Readonly<Record<string, Tensor>> & Distribution;
}

/**
 * Reads one token per row. Inputs: `ids` and `positions` [B, 1], `inverseTemperatures` [B, 1], and per layer
 * `keys0`, `values0`, … [B, K, 1, S, W].
 * @param probe its N numbers are computed for every token. Default none.
 */
export function buildDecodeGraph(
  config: DecoderConfig,
  store: ParameterStore,
  probe?: StateProbe,
): DecodeGraph {
  const graph = new Graph();
  const weights = new ConstantWeights(graph, config, store);
  const ids = graph.input('ids', 'int32', ['B', 1]);
  const positions = graph.input('positions', 'int32', ['B', 1]);
  const inverseTemperatures = graph.input('inverseTemperatures', 'float32', ['B', 1]);
  const { kvHeads, headWidth, heads } = config;
  const groups = heads / kvHeads;
  const scale = 1 / Math.sqrt(headWidth);
  const cacheShape = ['B', kvHeads, 1, 'S', headWidth];
  const table = config.rotary
    ? rotaryTable(positions, config.rotary.inverseFrequencies, config.rotary.attentionFactor)
    : null;
  const masks = new Map<number | null, Tensor>();
  const maskFor = (window: number | null): Tensor => {
    const mask = masks.get(window) ?? cacheMask(graph, positions, window);
    masks.set(window, mask);
    return mask;
  };
  const entries: Tensor[] = [];
  const attend: AttentionStep = (query, key, value, layer) => {
    // One row per product and no factor on it: ONNX Runtime multiplies such a row with the cache where it lies,
    // and would first copy the cache into another layout otherwise. Keys and values broadcast over a group.
    const q = reshape(multiply(turn(query, table, heads), scale), ['B', kvHeads, groups, 1, headWidth]);
    const k = reshape(turn(key, table, kvHeads), ['B', kvHeads, 1, 1, headWidth]);
    const v = reshape(value, ['B', kvHeads, 1, 1, headWidth]);
    entries.push(reshape(k, [1, 'B', kvHeads, headWidth]), reshape(v, [1, 'B', kvHeads, headWidth]));
    const pastKeys = graph.input(`keys${layer}`, 'float32', cacheShape);
    const pastValues = graph.input(`values${layer}`, 'float32', cacheShape);
    const pastScores = matmul(q, pastKeys, { transposeB: true }); // [B, K, G, 1, S]
    const ownScore = matmul(q, k, { transposeB: true }); // [B, K, G, 1, 1]
    const masked = add(pastScores, maskFor(config.slidingWindows[layer]));
    const { past, own } = softmaxOverBoth(graph, masked, ownScore);
    const context = add(matmul(past, pastValues), multiply(own, v)); // [B, K, G, 1, W]
    return reshape(context, ['B', 1, heads * headWidth]);
  };
  const readout = probe && new ProbeReadout(graph, config, probe);
  const inputs = { ids, positions };
  const states = decoder(config, weights, inputs, attend, readout && ((x, i) => readout.add(x, i)));
  const logits = linear(reshape(states, ['B', config.width]), outputProjection(config, weights));
  const [joined] = graph.node({
    operator: 'Concat',
    inputs: entries,
    outputs: [{ dtype: 'float32', shape: [2 * config.layers, 'B', kvHeads, headWidth] }],
    attributes: { axis: 0 },
  });
  const outputs = { ...distribution(logits, inverseTemperatures), entries: joined };
  return { graph, outputs: { ...outputs, ...(readout && { probe: readout.scores }) } };
}

/** @param logits [R, V] @param inverseTemperatures [R, 1] */
function distribution(logits: Tensor, inverseTemperatures: Tensor): Distribution {
  const { graph } = logits;
  const [rows] = logits.shape;
  const probabilities = softmax(multiply(logits, inverseTemperatures));
  const [likeliest] = graph.node({
    operator: 'ArgMax',
    inputs: [logits],
    outputs: [{ dtype: 'int64', shape: [rows] }],
    attributes: { axis: 1, keepdims: 0 },
  });
  return {
    logits,
    probabilities,
    likeliest: cast(likeliest, 'int32'),
    largest: max(probabilities, { axes: [1] }),
  };
}

/** [B, 1, 1, 1, S]: 0 for slots before the row's position and within the window, −1e30 elsewhere. */
function cacheMask(graph: Graph, positions: Tensor, window: number | null): Tensor {
  const slots = reshape(range(graph, 'S'), [1, 1, 1, 1, 'S']);
  const position = reshape(cast(positions, 'int64'), ['B', 1, 1, 1, 1]);
  let seen = less(slots, position);
  if (window !== null) seen = and(seen, less(subtract(position, slots), graph.integers([window], [])));
  return scoreMask(seen);
}

/** One softmax over the cached tokens and the token itself, split again into the two. */
function softmaxOverBoth(graph: Graph, past: Tensor, own: Tensor): { past: Tensor; own: Tensor } {
  const lead = past.shape.slice(0, -1);
  const [scores] = graph.node({
    operator: 'Concat',
    inputs: [past, own],
    outputs: [{ dtype: 'float32', shape: [...lead, 'S+1'] }],
    attributes: { axis: 4 },
  });
  const weights = softmax(scores);
  const slice = (start: number, end: number, size: string | number): Tensor =>
    graph.node({
      operator: 'Slice',
      inputs: [weights, graph.integers([start]), graph.integers([end]), graph.integers([4])],
      outputs: [{ dtype: 'float32', shape: [...lead, size] }],
    })[0];
  return { past: slice(0, -1, 'S'), own: slice(-1, Number.MAX_SAFE_INTEGER, 1) };
}
