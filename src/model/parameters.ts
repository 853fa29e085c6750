/**
 * Every parameter of a decoder: name, shape and how it starts, in the layout of the family's own files.
 *
 * Shapes: V vocabulary, P positions, D width, H query heads, K key and value heads, W width of a head,
 * F inner width. A linear layer's weight is [out, in]; GPT-2 stores [in, out]. GPT-NeoX keeps query, key and
 * value in one [H · 3 · W, D] matrix, interleaved per head: W rows of query, of key, of value, next head.
 */
import { tensorPrefix } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';

/** How a parameter is drawn when a model is made from nothing. */
export type Initialisation =
  | { readonly kind: 'normal'; readonly std: number }
  /** Evenly between −limit and limit. */
  | { readonly kind: 'uniform'; readonly limit: number }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' };

export interface ParameterSpec {
  /** The tensor's name in a Hugging Face file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialisation: Initialisation;
  /**
   * Neighbours in the list with the same group lie in memory without a gap, so that one matrix product can
   * use them together (query, key and value; gate and up).
   */
  readonly group?: string;
}

const zeros: Initialisation = { kind: 'zeros' };
const ones: Initialisation = { kind: 'ones' };

/**
 * The decoder's parameters in canonical order, output projection included unless it is tied to the
 * embedding. Heads that are not part of a causal language model are added by `scalarHeadSpec`.
 */
export function parameterSpecs(config: DecoderConfig): ParameterSpec[] {
  const specs = [...decoderSpecs(config)];
  if (!config.tiedEmbeddings) {
    specs.push({
      name: outputProjectionName(config),
      shape: [config.vocabSize, config.width],
      initialisation: { kind: 'normal', std: config.initializerRange },
    });
  }
  return specs;
}

/** The decoder's parameters without the output projection: what a reward model shares with a policy. */
export function decoderSpecs(config: DecoderConfig): ParameterSpec[] {
  switch (config.family) {
    case 'gpt2':
      return gpt2Specs(config);
    case 'gpt_neox':
      return gptNeoxSpecs(config);
    default:
      return llamaSpecs(config);
  }
}

/** Name of the [V, D] matrix that turns hidden states into logits when it is not tied. */
export function outputProjectionName(config: DecoderConfig): string {
  return config.family === 'gpt_neox' ? 'embed_out.weight' : 'lm_head.weight';
}

/** Name of the [V, D] token embedding. */
export function embeddingName(config: DecoderConfig): string {
  const last = { gpt2: 'wte', gpt_neox: 'embed_in' } as Readonly<Record<string, string>>;
  return `${tensorPrefix(config.family)}${last[config.family] ?? 'embed_tokens'}.weight`;
}

/** Name of GPT-2's [P, D] embedding of positions. */
export const positionEmbeddingName = 'transformer.wpe.weight';

/** The scores of Hugging Face's sequence classification models: an [H, D] matrix without bias, mostly [1, D]. */
export const scoreHeadName = 'score.weight';

/**
 * A head that turns a hidden state into one number: a reward model's score, a value head; or into several.
 * @param options.name default `score.weight`.
 * @param options.rows H, numbers per hidden state. Default 1.
 * @param options.initialisation default normal with standard deviation 1/√(D + 1), as for the reward heads
 * of Stiennon et al. 2020 (arXiv:2009.01325); a value head commonly starts at zeros.
 */
export function scalarHeadSpec(
  config: DecoderConfig,
  options: { name?: string; rows?: number; initialisation?: Initialisation } = {},
): ParameterSpec {
  return {
    name: options.name ?? scoreHeadName,
    shape: [options.rows ?? 1, config.width],
    initialisation: options.initialisation ?? { kind: 'normal', std: 1 / Math.sqrt(config.width + 1) },
  };
}

/** A weight [out, in] with its optional bias [out]. */
interface Linear {
  readonly name: string;
  readonly out: number;
  readonly in: number;
  readonly bias: boolean;
}

/** Weights first, then biases, each kind a group of its own when there are several. */
function linearSpecs(layers: readonly Linear[], std: number, group?: string): ParameterSpec[] {
  const weights = layers.map((layer) => ({
    name: `${layer.name}.weight`,
    shape: [layer.out, layer.in],
    initialisation: { kind: 'normal', std } as const,
    ...(group && { group: `${group}.weight` }),
  }));
  const biases = layers
    .filter((layer) => layer.bias)
    .map((layer) => ({
      name: `${layer.name}.bias`,
      shape: [layer.out],
      initialisation: zeros,
      ...(group && { group: `${group}.bias` }),
    }));
  return [...weights, ...biases];
}

function normSpecs(name: string, width: number, kind: DecoderConfig['norm']): ParameterSpec[] {
  const weight = { name: `${name}.weight`, shape: [width], initialisation: ones };
  return kind === 'rms'
    ? [weight]
    : [weight, { name: `${name}.bias`, shape: [width], initialisation: zeros }];
}

/** Llama, Mistral, Qwen2, Qwen3. */
function llamaSpecs(config: DecoderConfig): ParameterSpec[] {
  const { width, headWidth, innerWidth, initializerRange: std } = config;
  const queries = config.heads * headWidth; // H · W
  const keys = config.kvHeads * headWidth; // K · W
  const specs: ParameterSpec[] = [
    {
      name: embeddingName(config),
      shape: [config.vocabSize, width],
      initialisation: { kind: 'normal', std },
    },
  ];
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    const attention = `${layer}.self_attn`;
    const bias = config.queryKeyValueBias;
    const inner = config.feedForwardBias;
    specs.push(
      ...normSpecs(`${layer}.input_layernorm`, width, 'rms'),
      ...linearSpecs(
        [
          { name: `${attention}.q_proj`, out: queries, in: width, bias },
          { name: `${attention}.k_proj`, out: keys, in: width, bias },
          { name: `${attention}.v_proj`, out: keys, in: width, bias },
        ],
        std,
        `${attention}.qkv`,
      ),
      ...(config.queryKeyNorm
        ? [
            ...normSpecs(`${attention}.q_norm`, headWidth, 'rms'),
            ...normSpecs(`${attention}.k_norm`, headWidth, 'rms'),
          ]
        : []),
      ...linearSpecs(
        [{ name: `${attention}.o_proj`, out: width, in: queries, bias: config.attentionOutputBias }],
        std,
      ),
      ...normSpecs(`${layer}.post_attention_layernorm`, width, 'rms'),
      ...linearSpecs(
        [
          { name: `${layer}.mlp.gate_proj`, out: innerWidth, in: width, bias: inner },
          { name: `${layer}.mlp.up_proj`, out: innerWidth, in: width, bias: inner },
        ],
        std,
        `${layer}.mlp.gate_up`,
      ),
      ...linearSpecs([{ name: `${layer}.mlp.down_proj`, out: width, in: innerWidth, bias: inner }], std),
    );
  }
  return [...specs, ...normSpecs('model.norm', width, 'rms')];
}

function gpt2Specs(config: DecoderConfig): ParameterSpec[] {
  const { width, innerWidth, initializerRange: std } = config;
  // What is added to the residual stream starts smaller, by the number of additions (Radford et al. 2019, 2.3).
  const residualStd = std / Math.sqrt(2 * config.layers);
  const conv = (name: string, inputs: number, outputs: number, weightStd: number): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [inputs, outputs], initialisation: { kind: 'normal', std: weightStd } },
    { name: `${name}.bias`, shape: [outputs], initialisation: zeros },
  ];
  const specs: ParameterSpec[] = [
    {
      name: embeddingName(config),
      shape: [config.vocabSize, width],
      initialisation: { kind: 'normal', std },
    },
    {
      name: positionEmbeddingName,
      shape: [config.maxPositions, width],
      initialisation: { kind: 'normal', std },
    },
  ];
  for (let i = 0; i < config.layers; i++) {
    const layer = `transformer.h.${i}`;
    specs.push(
      ...normSpecs(`${layer}.ln_1`, width, 'layer'),
      ...conv(`${layer}.attn.c_attn`, width, 3 * width, std),
      ...conv(`${layer}.attn.c_proj`, width, width, residualStd),
      ...normSpecs(`${layer}.ln_2`, width, 'layer'),
      ...conv(`${layer}.mlp.c_fc`, width, innerWidth, std),
      ...conv(`${layer}.mlp.c_proj`, innerWidth, width, residualStd),
    );
  }
  return [...specs, ...normSpecs('transformer.ln_f', width, 'layer')];
}

function gptNeoxSpecs(config: DecoderConfig): ParameterSpec[] {
  const { width, innerWidth, initializerRange: std } = config;
  const specs: ParameterSpec[] = [
    {
      name: embeddingName(config),
      shape: [config.vocabSize, width],
      initialisation: { kind: 'normal', std },
    },
  ];
  for (let i = 0; i < config.layers; i++) {
    const layer = `gpt_neox.layers.${i}`;
    const linear = (name: string, inputs: number, outputs: number, bias: boolean): ParameterSpec[] =>
      linearSpecs([{ name: `${layer}.${name}`, out: outputs, in: inputs, bias }], std);
    specs.push(
      ...normSpecs(`${layer}.input_layernorm`, width, 'layer'),
      ...linear('attention.query_key_value', width, 3 * width, config.queryKeyValueBias),
      ...linear('attention.dense', width, width, config.attentionOutputBias),
      ...normSpecs(`${layer}.post_attention_layernorm`, width, 'layer'),
      ...linear('mlp.dense_h_to_4h', width, innerWidth, true),
      ...linear('mlp.dense_4h_to_h', innerWidth, width, true),
    );
  }
  return [...specs, ...normSpecs('gpt_neox.final_layer_norm', width, 'layer')];
}
