/**
 * A graph whose weights are inputs: the form used for training and for scoring whole sequences.
 *
 * Shapes: B rows, T tokens per row, D width, N counted tokens.
 */
import {
  Graph,
  type GraphOptions,
  gatherRows,
  matmul,
  reshape,
  type Tensor,
  type TokenLogProbs,
  tokenLogProbs,
} from '../tensor/index.ts';
import { type AdapterDropout, adapterDropout } from './adapter/dropout.ts';
import {
  type AttentionStep,
  decoder,
  finalNorm,
  outputProjection,
  sequenceAttention,
  type TokenInputs,
  tokenInputs,
} from './decoder.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { ParameterShapes } from './parameter-store.ts';
import { sharedPromptAttention, sharedPromptInputs } from './shared-prompts.ts';
import { InputWeights } from './weights.ts';

export interface ModelGraph {
  readonly graph: Graph;
  readonly config: DecoderConfig;
  readonly tokens: Pick<TokenInputs, 'ids' | 'positions'>;
  /** [B, T, D] hidden states after the final norm. */
  readonly hidden: Tensor;
  /** The parameters as graph inputs; `weights.inputs` lists those used so far. */
  readonly weights: InputWeights;
  /** The draws that have to be fed while training; null without dropout. */
  readonly dropout: AdapterDropout | null;
  /** With activation checkpointing: what the layers give, fed instead of computed here. Else null. */
  readonly checkpointed: { readonly states: Tensor; readonly dropout: number } | null;
  /** As in `ModelGraphOptions`. */
  readonly sharedPrompts: boolean;
}

export interface ModelGraphOptions extends GraphOptions {
  /** Share of what adapters read that is left out at random. Default 0. */
  readonly dropout?: number;
  /**
   * True: the graph holds what comes after the layers alone, and a `LayerStack` runs these, each twice, which takes
   * far less memory and a third more time. `Trainer` sees to it. Default false.
   */
  readonly gradientCheckpointing?: boolean;
  /** True: rows hold one prompt and several responses to it, see `SharedPromptInputs`. Default false. */
  readonly sharedPrompts?: boolean;
}

/** Builds a decoder over token inputs, with its weights as inputs named like the parameters. */
export function buildModelGraph(
  config: DecoderConfig,
  store: ParameterShapes,
  options: ModelGraphOptions = {},
): ModelGraph {
  const graph = new Graph(options);
  const { sharedPrompts = false } = options;
  const { tokens, attend } = readTokens(config, graph, sharedPrompts);
  const dropout = options.dropout ? adapterDropout(graph, options.dropout) : null;
  const weights = new InputWeights(graph, config, store, dropout?.apply);
  if (options.gradientCheckpointing) {
    const states = graph.input('states', 'real', ['B', 'T', config.width]);
    const hidden = finalNorm(config, weights, states);
    const checkpointed = { states, dropout: options.dropout ?? 0 };
    return { graph, config, tokens, hidden, weights, dropout, checkpointed, sharedPrompts };
  }
  const hidden = decoder(config, weights, tokens, attend);
  return { graph, config, tokens, hidden, weights, dropout, checkpointed: null, sharedPrompts };
}

/** The token inputs, and which tokens see which. */
export function readTokens(
  config: DecoderConfig,
  graph: Graph,
  sharedPrompts: boolean,
): { readonly tokens: ModelGraph['tokens']; readonly attend: AttentionStep } {
  if (sharedPrompts) {
    const tokens = sharedPromptInputs(graph);
    return { tokens, attend: sharedPromptAttention(config, tokens) };
  }
  const tokens = tokenInputs(graph);
  return { tokens, attend: sequenceAttention(config, tokens) };
}

/** Hidden states of chosen tokens: [N, D] for `rows` [N], each b · T + t and none twice. */
export function hiddenRows(model: ModelGraph, rows: Tensor): Tensor {
  return gatherRows(reshape(model.hidden, [-1, model.config.width]), rows, { unique: true });
}

/**
 * Log-probabilities of the counted tokens.
 *
 * Declares the inputs `rows` [N] (where the hidden state that predicts the token stands, see
 * `countedTargets`) and `targets` [N] (the token's id); only these rows pass through the output projection.
 * @param options.temperature logits are divided by it. Default 1.
 * @returns also the hidden states [N, D] they were computed from, for heads at the same tokens
 */
export function countedLogProbs(
  model: ModelGraph,
  options: { readonly temperature?: number } = {},
): TokenLogProbs & { readonly hidden: Tensor } {
  const hidden = countedHidden(model);
  const targets = model.graph.input('targets', 'int32', ['N']);
  const projection = outputProjection(model.config, model.weights);
  return { ...tokenLogProbs(hidden, projection, targets, options), hidden };
}

/** The hidden states [N, D] that predict the counted tokens; declares the input `rows` [N]. */
export function countedHidden(model: ModelGraph): Tensor {
  return hiddenRows(model, model.graph.input('rows', 'int32', ['N']));
}

/**
 * Numbers per chosen token: hidden [N, D] times the head [H, D] of that name gives [N · H], the H numbers of a token side
 * by side. Most heads have one.
 */
export function scalarHead(model: ModelGraph, hidden: Tensor, name: string): Tensor {
  return reshape(matmul(hidden, model.weights.tensor(name), { transposeB: true }), [-1]);
}

/** What `countedTargets` reads of a batch; `src/data` makes it. */
export interface CountedTokens {
  readonly length: number;
  /** [B*T] */
  readonly ids: Int32Array;
  /** [B*T] 1 = the token is a target */
  readonly counted: Uint8Array;
}

export interface CountedTargets {
  /** [N] b · T + t − 1: the hidden state that predicts the target at t. */
  readonly rows: Int32Array;
  /** [N] the target's id. */
  readonly targets: Int32Array;
  /** [N] b · T + t: where the target itself stands. */
  readonly places: Int32Array;
}

/** Lists the counted tokens of a batch in row order. */
export function countedTargets(batch: CountedTokens): CountedTargets {
  const places: number[] = [];
  for (let i = 0; i < batch.counted.length; i++) if (batch.counted[i]) places.push(i);
  return {
    rows: Int32Array.from(places, (place) => place - 1),
    targets: Int32Array.from(places, (place) => batch.ids[place]),
    places: Int32Array.from(places),
  };
}
