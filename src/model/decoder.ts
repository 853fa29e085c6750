/**
 * The decoder-only transformer, one builder for every supported family.
 *
 * Shapes: B rows, T tokens per row, D width, H query heads, K key and value heads, W width of a head,
 * V vocabulary, F inner width.
 */
import {
  add,
  attention,
  causalMask,
  type Graph,
  gatedSilu,
  gatherRows,
  gelu,
  geluTanh,
  layerNorm,
  multiply,
  type RotaryTable,
  relu,
  reshape,
  rmsNorm,
  rotary,
  rotaryTable,
  silu,
  split,
  type Tensor,
} from '../tensor/index.ts';
import type { DecoderConfig } from './decoder-config.ts';
import { finalNormNames, type LayerNames, layerNames, type NormNames } from './layer-names.ts';
import { embeddingName, outputProjectionName, positionEmbeddingName } from './parameters.ts';
import type { Weights } from './weights.ts';

/** The token inputs of a graph; see `TokenBatch` in `src/data` for what is fed. */
export interface TokenInputs {
  /** [B, T] token ids, int32. */
  readonly ids: Tensor;
  /** [B, T] document number within the row, 0 = padding, int32. */
  readonly segments: Tensor;
  /** [B, T] position within the document, int32. */
  readonly positions: Tensor;
}

/** Declares the token inputs with symbolic B and T. */
export function tokenInputs(graph: Graph): TokenInputs {
  return {
    ids: graph.input('ids', 'int32', ['B', 'T']),
    segments: graph.input('segments', 'int32', ['B', 'T']),
    positions: graph.input('positions', 'int32', ['B', 'T']),
  };
}

/** How one layer attends: with a mask over the batch when training, against a cache when generating. */
export type AttentionStep = (
  query: Tensor, // [B, T, H*W], position not yet applied
  key: Tensor, // [B, T, K*W], position not yet applied
  value: Tensor, // [B, T, K*W]
  layer: number,
) => Tensor; // [B, T, H*W]

/**
 * Attention over whole sequences: causal, within each document, within each layer's window.
 * @param capture is shown each layer's key (position applied) and value, both [B, T, K*W], e.g. to cache them
 */
export function sequenceAttention(
  config: DecoderConfig,
  inputs: TokenInputs,
  capture?: (key: Tensor, value: Tensor) => void,
): AttentionStep {
  const table = config.rotary
    ? rotaryTable(inputs.positions, config.rotary.inverseFrequencies, config.rotary.attentionFactor)
    : null;
  const masks = new Map<number | null, Tensor>();
  const maskFor = (window: number | null): Tensor => {
    const mask = masks.get(window) ?? causalMask(inputs.segments, window);
    masks.set(window, mask);
    return mask;
  };
  return (query, key, value, layer) => {
    const turnedKey = turn(key, table, config.kvHeads);
    capture?.(turnedKey, value);
    return attention(
      turn(query, table, config.heads),
      turnedKey,
      value,
      maskFor(config.slidingWindows[layer]),
      { heads: config.heads, kvHeads: config.kvHeads },
    );
  };
}

/** Applies the rotation where the family has one. */
export function turn(x: Tensor, table: RotaryTable | null, heads: number): Tensor {
  return table ? rotary(x, table, { heads }) : x;
}

/**
 * Hidden states after the final norm.
 * @param inputs.ids       [B, T]
 * @param inputs.positions [B, T]
 * @param behind is shown the residual stream [B, T, D] behind each layer
 * @returns [B, T, D]
 */
export function decoder(
  config: DecoderConfig,
  weights: Weights,
  inputs: Pick<TokenInputs, 'ids' | 'positions'>,
  attend: AttentionStep,
  behind?: (x: Tensor, layer: number) => void,
): Tensor {
  let x = embed(config, weights, inputs);
  for (let i = 0; i < config.layers; i++) {
    x = decoderLayer(config, weights, x, i, attend);
    behind?.(x, i);
  }
  return finalNorm(config, weights, x);
}

/** What the first layer reads, [B, T, D]. */
export function embed(
  config: DecoderConfig,
  weights: Weights,
  inputs: Pick<TokenInputs, 'ids' | 'positions'>,
): Tensor {
  const x = gatherRows(weights.tensor(embeddingName(config)), inputs.ids);
  return config.rotary ? x : add(x, gatherRows(weights.tensor(positionEmbeddingName), inputs.positions));
}

/** Layer `index` on the residual stream x [B, T, D]. */
export function decoderLayer(
  config: DecoderConfig,
  weights: Weights,
  x: Tensor,
  index: number,
  attend: AttentionStep,
): Tensor {
  const names = layerNames(config, index);
  const normalised = norm(config, weights, names.attentionNorm, x);
  const attended = attentionBlock(config, weights, names, normalised, index, attend);
  if (config.parallelResidual) {
    const fed = feedForward(config, weights, names, norm(config, weights, names.feedForwardNorm, x));
    return add(add(x, attended), fed);
  }
  const between = add(x, attended);
  const fed = feedForward(config, weights, names, norm(config, weights, names.feedForwardNorm, between));
  return add(between, fed);
}

/** The norm after the last layer. */
export function finalNorm(config: DecoderConfig, weights: Weights, x: Tensor): Tensor {
  return norm(config, weights, finalNormNames(config), x);
}

/** The [V, D] matrix that turns hidden states into logits. */
export function outputProjection(config: DecoderConfig, weights: Weights): Tensor {
  return weights.tensor(config.tiedEmbeddings ? embeddingName(config) : outputProjectionName(config));
}

function attentionBlock(
  config: DecoderConfig,
  weights: Weights,
  names: LayerNames,
  x: Tensor,
  layer: number,
  attend: AttentionStep,
): Tensor {
  let [query, key, value] = queryKeyValue(config, weights, names, x);
  if (names.queryNorm) query = perHeadNorm(config, query, weights.tensor(names.queryNorm), config.heads);
  if (names.keyNorm) key = perHeadNorm(config, key, weights.tensor(names.keyNorm), config.kvHeads);
  return weights.project(attend(query, key, value, layer), [names.attentionOutput])[0];
}

/** Query [B, T, H*W], key and value [B, T, K*W] from the normalised input [B, T, D]. */
function queryKeyValue(
  config: DecoderConfig,
  weights: Weights,
  names: LayerNames,
  x: Tensor,
): [Tensor, Tensor, Tensor] {
  const { queryKeyValue: layout } = names;
  const { heads, headWidth } = config;
  if (layout.kind === 'separate') {
    return weights.project(x, [layout.query, layout.key, layout.value]) as [Tensor, Tensor, Tensor];
  }
  const [fused] = weights.project(x, [layout.fused]); // [B, T, 3*H*W]
  const width = heads * headWidth;
  if (config.family === 'gpt2') return split(fused, 2, [width, width, width]) as [Tensor, Tensor, Tensor];
  // GPT-NeoX interleaves the three within each head.
  const [batch, length] = fused.shape;
  const perHead = reshape(fused, [batch, length, heads, 3 * headWidth]);
  return split(perHead, 3, [headWidth, headWidth, headWidth]).map((part) =>
    reshape(part, [batch, length, width]),
  ) as [Tensor, Tensor, Tensor];
}

function perHeadNorm(config: DecoderConfig, x: Tensor, weight: Tensor, heads: number): Tensor {
  const [batch, length] = x.shape;
  return reshape(
    rmsNorm(reshape(x, [batch, length, heads, config.headWidth]), weight, config.normEps),
    x.shape,
  );
}

function feedForward(config: DecoderConfig, weights: Weights, names: LayerNames, x: Tensor): Tensor {
  if (!names.gate)
    return weights.project(activate(config, weights.project(x, [names.up])[0]), [names.down])[0];
  const [gate, up] = weights.project(x, [names.gate, names.up]);
  return weights.project(gated(config, gate, up), [names.down])[0];
}

function gated(config: DecoderConfig, gate: Tensor, up: Tensor): Tensor {
  return config.activation === 'silu' ? gatedSilu(gate, up) : multiply(activate(config, gate), up);
}

function activate(config: DecoderConfig, x: Tensor): Tensor {
  return { silu, gelu, gelu_tanh: geluTanh, relu }[config.activation](x);
}

function norm(config: DecoderConfig, weights: Weights, names: NormNames, x: Tensor): Tensor {
  const weight = weights.tensor(names.weight);
  return names.bias
    ? layerNorm(x, weight, weights.tensor(names.bias), config.normEps)
    : rmsNorm(x, weight, config.normEps);
}
