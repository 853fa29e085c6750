/** A configuration for a model that does not exist yet. */
import type { DecoderConfig } from './decoder-config.ts';
import { parseDecoderConfig } from './parse-config.ts';

/** Shape of a new Llama model; sizes as in `DecoderConfig`. */
export interface LlamaShape {
  readonly vocabSize: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Default `heads` (no grouped-query attention). */
  readonly kvHeads?: number;
  /** Default width / heads. */
  readonly headWidth?: number;
  readonly innerWidth: number;
  /** Context length in tokens. */
  readonly maxPositions: number;
  /** Share the embedding with the output projection. Default true: right for small models. */
  readonly tiedEmbeddings?: boolean;
  /** Base of the rotary wavelengths. Default 10000 (Su et al. 2021). */
  readonly ropeTheta?: number;
  /** Default 1e-5 (Llama 2). */
  readonly normEps?: number;
  /** Default 0.02 (Hugging Face Llama). */
  readonly initializerRange?: number;
  /** Token ids; default null, to be set once a tokenizer is known. */
  readonly bosId?: number | null;
  readonly eosId?: number | null;
  readonly padId?: number | null;
}

/**
 * A Llama configuration from scratch. Its `source` uses key names that every release of transformers reads.
 * @throws TenetError('model') listing the sizes that are wrong or do not fit together.
 */
export function makeLlamaConfig(shape: LlamaShape): DecoderConfig {
  const headWidth = shape.headWidth ?? shape.width / shape.heads;
  const source = {
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    bos_token_id: shape.bosId ?? null,
    eos_token_id: shape.eosId ?? null,
    head_dim: Number.isInteger(headWidth) ? headWidth : null, // null: the parser names both sizes
    hidden_act: 'silu',
    hidden_size: shape.width,
    initializer_range: shape.initializerRange ?? 0.02,
    intermediate_size: shape.innerWidth,
    max_position_embeddings: shape.maxPositions,
    mlp_bias: false,
    model_type: 'llama',
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.kvHeads ?? shape.heads,
    pad_token_id: shape.padId ?? null,
    rms_norm_eps: shape.normEps ?? 1e-5,
    rope_theta: shape.ropeTheta ?? 10000,
    tie_word_embeddings: shape.tiedEmbeddings ?? true,
    use_cache: true,
    vocab_size: shape.vocabSize,
  };
  return parseDecoderConfig(source, 'new Llama configuration');
}
