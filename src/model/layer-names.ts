/** Which tensor of a family's file plays which part in a layer. */
import { tensorPrefix } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';

/** A linear layer's tensors. */
export interface LinearNames {
  readonly weight: string;
  /** Null when the layer has none. */
  readonly bias: string | null;
}

/** A normalisation layer's tensors; RMS norms have no bias. */
export type NormNames = LinearNames;

export interface LayerNames {
  readonly attentionNorm: NormNames;
  /** Separate projections, or one matrix holding all three (GPT-2, GPT-NeoX). */
  readonly queryKeyValue:
    | {
        readonly kind: 'separate';
        readonly query: LinearNames;
        readonly key: LinearNames;
        readonly value: LinearNames;
      }
    | { readonly kind: 'fused'; readonly fused: LinearNames };
  /** Weights [headWidth] of the norms over each query and key (Qwen3). */
  readonly queryNorm: string | null;
  readonly keyNorm: string | null;
  readonly attentionOutput: LinearNames;
  readonly feedForwardNorm: NormNames;
  /** Null when the feed-forward layer is not gated. */
  readonly gate: LinearNames | null;
  readonly up: LinearNames;
  readonly down: LinearNames;
}

/** What the names of all tensors of layer `index` start with, the dot behind it included. */
export function layerPrefix({ family }: Pick<DecoderConfig, 'family'>, index: number): string {
  return `${tensorPrefix(family)}${family === 'gpt2' ? 'h' : 'layers'}.${index}.`;
}

/** The tensors of layer `index`. */
export function layerNames(config: DecoderConfig, index: number): LayerNames {
  const named = (path: string, bias: boolean): LinearNames => ({
    weight: `${path}.weight`,
    bias: bias ? `${path}.bias` : null,
  });
  const layer = layerPrefix(config, index).slice(0, -1);
  if (config.family === 'gpt2') {
    return {
      attentionNorm: named(`${layer}.ln_1`, true),
      queryKeyValue: { kind: 'fused', fused: named(`${layer}.attn.c_attn`, true) },
      queryNorm: null,
      keyNorm: null,
      attentionOutput: named(`${layer}.attn.c_proj`, true),
      feedForwardNorm: named(`${layer}.ln_2`, true),
      gate: null,
      up: named(`${layer}.mlp.c_fc`, true),
      down: named(`${layer}.mlp.c_proj`, true),
    };
  }
  if (config.family === 'gpt_neox') {
    return {
      attentionNorm: named(`${layer}.input_layernorm`, true),
      queryKeyValue: {
        kind: 'fused',
        fused: named(`${layer}.attention.query_key_value`, config.queryKeyValueBias),
      },
      queryNorm: null,
      keyNorm: null,
      attentionOutput: named(`${layer}.attention.dense`, config.attentionOutputBias),
      feedForwardNorm: named(`${layer}.post_attention_layernorm`, true),
      gate: null,
      up: named(`${layer}.mlp.dense_h_to_4h`, true),
      down: named(`${layer}.mlp.dense_4h_to_h`, true),
    };
  }
  const attention = `${layer}.self_attn`;
  return {
    attentionNorm: named(`${layer}.input_layernorm`, false),
    queryKeyValue: {
      kind: 'separate',
      query: named(`${attention}.q_proj`, config.queryKeyValueBias),
      key: named(`${attention}.k_proj`, config.queryKeyValueBias),
      value: named(`${attention}.v_proj`, config.queryKeyValueBias),
    },
    queryNorm: config.queryKeyNorm ? `${attention}.q_norm.weight` : null,
    keyNorm: config.queryKeyNorm ? `${attention}.k_norm.weight` : null,
    attentionOutput: named(`${attention}.o_proj`, config.attentionOutputBias),
    feedForwardNorm: named(`${layer}.post_attention_layernorm`, false),
    gate: named(`${layer}.mlp.gate_proj`, config.feedForwardBias),
    up: named(`${layer}.mlp.up_proj`, config.feedForwardBias),
    down: named(`${layer}.mlp.down_proj`, config.feedForwardBias),
  };
}

/** The norm after the last layer. */
export function finalNormNames(config: DecoderConfig): NormNames {
  const last = { gpt2: 'ln_f', gpt_neox: 'final_layer_norm' } as Readonly<Record<string, string>>;
  const path = `${tensorPrefix(config.family)}${last[config.family] ?? 'norm'}`;
  return { weight: `${path}.weight`, bias: config.norm === 'layer' ? `${path}.bias` : null };
}
