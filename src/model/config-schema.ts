/**
 * The keys of each family's `config.json` that decide what the model computes, with the defaults of the
 * configuration classes of Hugging Face transformers 5.18 for keys that a file may leave out. Sizes have no
 * default: a file without them is damaged. Unknown keys pass and are kept.
 */
import { z } from 'zod';
import type { Gpt2Keys, GptNeoxKeys, LlamaKeys, MistralKeys, Qwen2Keys, Qwen3Keys } from './config-keys.ts';
import type { DecoderConfig } from './decoder-config.ts';

const count = z
  .int()
  .positive()
  .max(2 ** 31 - 1);
/** Bounds far above any model, so that a hostile file cannot make the reader allocate by them. */
const width = z.int().positive().max(1_000_000);
const layerCount = z.int().positive().max(10_000);
const flag = z.boolean();
const positive = z.number().positive();

/** Hugging Face's names of activations, by ours. */
const activations: Readonly<Record<string, DecoderConfig['activation']>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};

const activation = z
  .string()
  .refine((name) => Object.hasOwn(activations, name), {
    error: ({ input }) => `${JSON.stringify(input)} is not one of ${Object.keys(activations).join(', ')}`,
  })
  .transform((name) => activations[name]);

/** `rope_parameters` or the older `rope_scaling`. */
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.max(1).nullish(),
  factor: positive.nullish(),
  original_max_position_embeddings: count.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  attention_factor: positive.nullish(),
  mscale: positive.nullish(),
  mscale_all_dim: positive.nullish(),
  truncate: flag.nullish(),
});

/** Rotary parameters as any layout writes them. */
const rotaryKeys = {
  rope_parameters: rope.nullish(),
  rope_scaling: rope.nullish(),
  rope_theta: positive.nullish(),
  original_max_position_embeddings: count.nullish(),
};

/** Keys that every family has. */
const commonKeys = {
  vocab_size: count,
  initializer_range: z.number().nonnegative().default(0.02),
  bos_token_id: z.int().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  pad_token_id: z.int().nullish(),
};

/** Llama and the families that descend from it. */
const llamaKeys = {
  ...commonKeys,
  ...rotaryKeys,
  hidden_size: width,
  intermediate_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: width.nullish(),
  max_position_embeddings: count.default(2048),
  hidden_act: activation.default('silu'),
  rms_norm_eps: positive.default(1e-6),
  tie_word_embeddings: flag.default(false),
  partial_rotary_factor: positive.max(1).nullish(),
};

const qwenKeys = {
  ...llamaKeys,
  num_key_value_heads: count.nullable().default(32),
  max_position_embeddings: count.default(32768),
  use_sliding_window: flag.default(false),
  sliding_window: count.nullable().default(4096),
  max_window_layers: z.int().nonnegative().default(28),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
};

const llama = z.looseObject({
  ...llamaKeys,
  attention_bias: flag.default(false),
  mlp_bias: flag.default(false),
});

const mistral = z.looseObject({
  ...llamaKeys,
  num_key_value_heads: count.nullable().default(8),
  max_position_embeddings: count.default(131072),
  sliding_window: count.nullable().default(4096),
});

const qwen2 = z.looseObject(qwenKeys);

const qwen3 = z.looseObject({
  ...qwenKeys,
  head_dim: width.nullable().default(128),
  attention_bias: flag.default(false),
});

const gpt2 = z.looseObject({
  ...commonKeys,
  n_embd: width,
  n_layer: layerCount,
  n_head: count,
  n_positions: count,
  n_inner: count.nullish(),
  activation_function: activation.default('gelu_tanh'),
  layer_norm_epsilon: positive.default(1e-5),
  tie_word_embeddings: flag.default(true),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
});

const gptNeox = z.looseObject({
  ...commonKeys,
  ...rotaryKeys,
  hidden_size: width,
  intermediate_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  max_position_embeddings: count.default(2048),
  hidden_act: activation.default('gelu'),
  layer_norm_eps: positive.default(1e-5),
  use_parallel_residual: flag.default(true),
  attention_bias: flag.default(true),
  tie_word_embeddings: flag.default(false),
  rotary_pct: positive.max(1).default(0.25),
  rotary_emb_base: positive.default(10000),
});

/** One schema per family; parsing leaves unknown keys in place. */
export const configSchemas: {
  readonly llama: z.ZodType<LlamaKeys>;
  readonly mistral: z.ZodType<MistralKeys>;
  readonly qwen2: z.ZodType<Qwen2Keys>;
  readonly qwen3: z.ZodType<Qwen3Keys>;
  readonly gpt2: z.ZodType<Gpt2Keys>;
  readonly gpt_neox: z.ZodType<GptNeoxKeys>;
} = { llama, mistral, qwen2, qwen3, gpt2, gpt_neox: gptNeox };
