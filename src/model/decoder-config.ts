/**
 * What a decoder-only transformer looks like, independent of the family that named it.
 *
 * Every supported Hugging Face family is read into this one description (`parse-config.ts`) and one graph
 * builder (`decoder.ts`) serves them all.
 */

/** `model_type` of a supported Hugging Face configuration. */
export type DecoderFamily = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gpt2' | 'gpt_neox';

/** Rotary position embedding: position p turns pair i by the angle p · inverseFrequencies[i]. */
export interface RotaryConfig {
  /** Leading dimensions of each head that are rotated; the rest pass through (GPT-NeoX `rotary_pct`). Even. */
  readonly dimensions: number;
  /** [dimensions / 2] radians per position, scaling (linear, llama3, …) already applied. */
  readonly inverseFrequencies: readonly number[];
  /** Factor on cos and sin (YaRN attention factor); 1 for all other scalings. */
  readonly attentionFactor: number;
}

export interface DecoderConfig {
  readonly family: DecoderFamily;
  readonly vocabSize: number;
  /** Width of the residual stream (`hidden_size`, `n_embd`). */
  readonly width: number;
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; equal to `heads` without grouped-query attention; divides `heads`. */
  readonly kvHeads: number;
  readonly headWidth: number;
  /** Width of the feed-forward layer (`intermediate_size`, `n_inner`). */
  readonly innerWidth: number;
  /** Longest sequence the position encoding was made for, in tokens. */
  readonly maxPositions: number;
  readonly norm: 'rms' | 'layer';
  readonly normEps: number;
  /** `gelu_tanh` is Hugging Face's gelu_new and gelu_pytorch_tanh; `gelu` is the exact erf form. */
  readonly activation: 'silu' | 'gelu' | 'gelu_tanh' | 'relu';
  /** True: down(activation(gate(x)) · up(x)); false: down(activation(up(x))). */
  readonly gated: boolean;
  /** Null: learned absolute positions (GPT-2). */
  readonly rotary: RotaryConfig | null;
  /** True: attention and feed-forward both read the layer's input (GPT-NeoX `use_parallel_residual`). */
  readonly parallelResidual: boolean;
  readonly queryKeyValueBias: boolean;
  readonly attentionOutputBias: boolean;
  readonly feedForwardBias: boolean;
  /** RMS norm over each head's query and key before the rotation (Qwen3). */
  readonly queryKeyNorm: boolean;
  /** [layers] attention window in tokens, counting the token itself; null = full causal attention. */
  readonly slidingWindows: readonly (number | null)[];
  /** True: the output projection is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** Token ids from the configuration; null when it names none. */
  readonly bosId: number | null;
  readonly eosIds: readonly number[];
  readonly padId: number | null;
  /** Standard deviation of freshly drawn weights (`initializer_range`). */
  readonly initializerRange: number;
  /** The Hugging Face `config.json` this was read from, kept so that saving loses no key. */
  readonly source: Readonly<Record<string, unknown>>;
}
