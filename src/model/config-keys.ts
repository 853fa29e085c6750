/** The keys of each family's `config.json` after parsing: checked, and defaults filled in. */
import type { DecoderConfig } from './decoder-config.ts';

type Activation = DecoderConfig['activation'];

/** `rope_parameters`, or the older `rope_scaling`. */
export interface RopeKeys {
  rope_type?: string;
  type?: string;
  rope_theta?: number | null;
  partial_rotary_factor?: number | null;
  factor?: number | null;
  original_max_position_embeddings?: number | null;
  low_freq_factor?: number | null;
  high_freq_factor?: number | null;
  beta_fast?: number | null;
  beta_slow?: number | null;
  attention_factor?: number | null;
  mscale?: number | null;
  mscale_all_dim?: number | null;
  truncate?: boolean | null;
}

/** Rotary parameters as any layout writes them. */
export interface RotaryKeys {
  rope_parameters?: RopeKeys | null;
  rope_scaling?: RopeKeys | null;
  rope_theta?: number | null;
  original_max_position_embeddings?: number | null;
}

/** Keys that every family has. */
interface CommonKeys {
  vocab_size: number;
  initializer_range: number;
  bos_token_id?: number | null;
  eos_token_id?: number | number[] | null;
  pad_token_id?: number | null;
  tie_word_embeddings: boolean;
}

/** What Llama shares with the families that descend from it. */
export interface LlamaLikeKeys extends CommonKeys, RotaryKeys {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads?: number | null;
  head_dim?: number | null;
  max_position_embeddings: number;
  hidden_act: Activation;
  rms_norm_eps: number;
  partial_rotary_factor?: number | null;
}

export interface LlamaKeys extends LlamaLikeKeys {
  attention_bias: boolean;
  mlp_bias: boolean;
}

export interface MistralKeys extends LlamaLikeKeys {
  sliding_window: number | null;
}

export interface Qwen2Keys extends LlamaLikeKeys {
  use_sliding_window: boolean;
  sliding_window: number | null;
  max_window_layers: number;
  layer_types?: ('full_attention' | 'sliding_attention')[] | null;
}

export interface Qwen3Keys extends Qwen2Keys {
  attention_bias: boolean;
}

export interface Gpt2Keys extends CommonKeys {
  n_embd: number;
  n_layer: number;
  n_head: number;
  n_positions: number;
  n_inner?: number | null;
  activation_function: Activation;
  layer_norm_epsilon: number;
}

export interface GptNeoxKeys extends CommonKeys, RotaryKeys {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  max_position_embeddings: number;
  hidden_act: Activation;
  layer_norm_eps: number;
  use_parallel_residual: boolean;
  attention_bias: boolean;
  rotary_pct: number;
  rotary_emb_base: number;
}
