/**
 * The graph that reads text in pieces and gives numbers at every token: scores of a head on the last hidden state, and
 * the hidden states of layers.
 *
 * Shapes: T tokens of the piece, P tokens read before, D width, K key and value heads, W head width, H numbers.
 */
import { Graph, matmul, reshape, type Tensor, transpose } from '../../tensor/index.ts';
import { decoderLayer, embed, finalNorm, sequenceAttention, tokenInputs } from '../decoder.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { prefixAttention } from '../generate/prefix-attention.ts';
import { Int8Weights } from '../int8-weights.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { ConstantWeights } from '../weights.ts';

/** Precision of the products with weights. */
export type WeightPrecision = 'float32' | 'int8';

export interface ScoringGraphOptions {
  /** Name of a head [H, D] on the hidden states after the final norm; null for none. */
  readonly head: string | null;
  /** Layers whose output, the residual stream behind them, is given as `states<layer>` [T, D]. */
  readonly layers: readonly number[];
  readonly precision: WeightPrecision;
  /** True: the piece follows tokens that were read before, whose keys and values are inputs. */
  readonly behindPrefix: boolean;
}

export interface ScoringGraph {
  readonly graph: Graph;
  /** `scores` [T, H], `states<layer>` [T, D], and `keys<layer>`, `values<layer>` [1, K, T, W] of the piece. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** Inputs: `ids`, `segments`, `positions` [1, T]; behind a prefix also `prefixKeys0`, … as in `prefixAttention`. */
export function buildScoringGraph(
  config: DecoderConfig,
  store: ParameterStore,
  { head, layers, precision, behindPrefix }: ScoringGraphOptions,
): ScoringGraph {
  const graph = new Graph();
  const weights =
    precision === 'int8' ? new Int8Weights(graph, config, store) : new ConstantWeights(graph, config, store);
  const tokens = tokenInputs(graph);
  const [batch, length] = tokens.ids.shape;
  const outputs: Record<string, Tensor> = {};
  let captured = 0;
  const perHead = (x: Tensor): Tensor =>
    transpose(reshape(x, [batch, length, config.kvHeads, config.headWidth]), [0, 2, 1, 3]);
  const capture = (key: Tensor, value: Tensor): void => {
    outputs[`keys${captured}`] = perHead(key);
    outputs[`values${captured}`] = perHead(value);
    captured++;
  };
  const attend = behindPrefix
    ? prefixAttention(config, graph, tokens, capture)
    : sequenceAttention(config, tokens, capture);
  // What comes behind the last layer that is wanted is not computed.
  const depth = head === null ? Math.max(...layers) + 1 : config.layers;
  let x = embed(config, weights, tokens);
  for (let i = 0; i < depth; i++) {
    x = decoderLayer(config, weights, x, i, attend);
    if (layers.includes(i)) outputs[`states${i}`] = reshape(x, [-1, config.width]);
  }
  if (head !== null) {
    const hidden = reshape(finalNorm(config, weights, x), [-1, config.width]);
    outputs.scores = matmul(hidden, weights.tensor(head), { transposeB: true });
  }
  return { graph, outputs };
}
