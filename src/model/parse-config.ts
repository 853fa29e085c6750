/** From a Hugging Face `config.json` to a `DecoderConfig`: every supported family, all problems at once. */
import { TenetError } from '../base/error.ts';
import { familyOf } from './architectures.ts';
import type {
  Gpt2Keys,
  GptNeoxKeys,
  LlamaKeys,
  LlamaLikeKeys,
  MistralKeys,
  Qwen2Keys,
  Qwen3Keys,
} from './config-keys.ts';
import { configSchemas } from './config-schema.ts';
import type { DecoderConfig, DecoderFamily } from './decoder-config.ts';
import { readRotary } from './read-rotary.ts';

/** What a family's reader fills in; the rest is common to all. */
type FamilyFields = Omit<
  DecoderConfig,
  'family' | 'vocabSize' | 'tiedEmbeddings' | 'bosId' | 'eosIds' | 'padId' | 'initializerRange' | 'source'
>;

/**
 * Reads a configuration.
 * @param json the parsed content of `config.json`.
 * @param path where it came from, for messages.
 * @throws TenetError('model') when the family is not supported, or listing every key that is missing, has
 * the wrong type or does not fit another one.
 */
export function parseDecoderConfig(json: unknown, path: string): DecoderConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new TenetError('model', `${path}: a model configuration must be a JSON object.`);
  }
  const source = json as Record<string, unknown>;
  const family = familyOf(source, path);
  const problems: string[] = [];
  const config = read(family, source, problems);
  if ('quantization_config' in source && source.quantization_config !== null) {
    problems.push('quantization_config: quantised weights cannot be trained; use the unquantised model');
  }
  if (config) problems.push(...checkFit(config));
  if (!config || problems.length > 0) {
    throw new TenetError(
      'model',
      `${path}: this ${family} configuration cannot be used:\n${problems.map((p) => `  ${p}`).join('\n')}`,
      { details: { path, problems } },
    );
  }
  return config;
}

/** Null when a key is missing or mistyped; the problems say which. */
function read(
  family: DecoderFamily,
  source: Record<string, unknown>,
  problems: string[],
): DecoderConfig | null {
  const parsed = configSchemas[family].safeParse(source);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], source);
      problems.push(
        `${path.join('.')}: ${value === undefined ? 'missing' : `${JSON.stringify(value)}: ${message}`}`,
      );
    }
    return null;
  }
  const { data: keys } = parsed;
  const eosIds = [keys.eos_token_id ?? []].flat();
  return {
    family,
    vocabSize: keys.vocab_size,
    ...readers[family](keys as never, problems),
    tiedEmbeddings: keys.tie_word_embeddings,
    bosId: tokenId(keys.bos_token_id),
    eosIds: eosIds.filter((id) => id >= 0),
    padId: tokenId(keys.pad_token_id),
    initializerRange: keys.initializer_range,
    source,
  };
}

/** Some files write -1 for "none". */
function tokenId(id: number | null | undefined): number | null {
  return typeof id === 'number' && id >= 0 ? id : null;
}

const readers = {
  llama: (keys: LlamaKeys, problems: string[]) => ({
    ...readLlamaLike(keys, problems),
    queryKeyValueBias: keys.attention_bias,
    attentionOutputBias: keys.attention_bias,
    feedForwardBias: keys.mlp_bias,
  }),
  mistral: (keys: MistralKeys, problems: string[]) => ({
    ...readLlamaLike(keys, problems),
    slidingWindows: new Array<number | null>(keys.num_hidden_layers).fill(keys.sliding_window),
  }),
  qwen2: (keys: Qwen2Keys, problems: string[]) => ({
    ...readLlamaLike(keys, problems),
    queryKeyValueBias: true,
    slidingWindows: qwenWindows(keys, problems),
  }),
  qwen3: (keys: Qwen3Keys, problems: string[]) => ({
    ...readLlamaLike(keys, problems),
    queryKeyValueBias: keys.attention_bias,
    attentionOutputBias: keys.attention_bias,
    queryKeyNorm: true,
    slidingWindows: qwenWindows(keys, problems),
  }),
  gpt2: readGpt2,
  gpt_neox: readGptNeox,
} satisfies Record<DecoderFamily, (keys: never, problems: string[]) => FamilyFields>;

function readLlamaLike(keys: LlamaLikeKeys, problems: string[]): FamilyFields {
  const { hidden_size: width, num_attention_heads: heads, max_position_embeddings: maxPositions } = keys;
  const headWidth =
    keys.head_dim ?? headWidthOf(width, heads, 'hidden_size', 'num_attention_heads', problems);
  if ((keys.partial_rotary_factor ?? 1) !== 1) {
    problems.push(`partial_rotary_factor: ${keys.partial_rotary_factor} is not supported here, only 1`);
  }
  return {
    width,
    layers: keys.num_hidden_layers,
    heads,
    kvHeads: keys.num_key_value_heads ?? heads,
    headWidth,
    innerWidth: keys.intermediate_size,
    maxPositions,
    norm: 'rms',
    normEps: keys.rms_norm_eps,
    activation: keys.hidden_act,
    gated: true,
    rotary: readRotary({ keys, maxPositions, headWidth, share: 1, theta: 10000 }, problems),
    parallelResidual: false,
    queryKeyValueBias: false,
    attentionOutputBias: false,
    feedForwardBias: false,
    queryKeyNorm: false,
    slidingWindows: new Array<null>(keys.num_hidden_layers).fill(null),
  };
}

/** Qwen: the first `max_window_layers` layers see everything, the others a window, unless listed. */
function qwenWindows(keys: Qwen2Keys | Qwen3Keys, problems: string[]): (number | null)[] {
  const window = keys.use_sliding_window ? keys.sliding_window : null;
  const types = keys.layer_types;
  if (!types) {
    return Array.from({ length: keys.num_hidden_layers }, (_, i) =>
      i >= keys.max_window_layers ? window : null,
    );
  }
  if (types.length !== keys.num_hidden_layers) {
    problems.push(
      `layer_types: ${types.length} entries for ${keys.num_hidden_layers} layers (num_hidden_layers)`,
    );
  }
  if (window === null && types.includes('sliding_attention')) {
    problems.push(
      'layer_types: names sliding_attention, but use_sliding_window is false or sliding_window null',
    );
  }
  return types.map((type) => (type === 'sliding_attention' ? window : null));
}

function readGpt2(keys: Gpt2Keys, problems: string[]): FamilyFields {
  return {
    width: keys.n_embd,
    layers: keys.n_layer,
    heads: keys.n_head,
    kvHeads: keys.n_head,
    headWidth: headWidthOf(keys.n_embd, keys.n_head, 'n_embd', 'n_head', problems),
    innerWidth: keys.n_inner ?? 4 * keys.n_embd,
    maxPositions: keys.n_positions,
    norm: 'layer',
    normEps: keys.layer_norm_epsilon,
    activation: keys.activation_function,
    gated: false,
    rotary: null,
    parallelResidual: false,
    queryKeyValueBias: true,
    attentionOutputBias: true,
    feedForwardBias: true,
    queryKeyNorm: false,
    slidingWindows: new Array<null>(keys.n_layer).fill(null),
  };
}

function readGptNeox(keys: GptNeoxKeys, problems: string[]): FamilyFields {
  const { hidden_size: width, num_attention_heads: heads, max_position_embeddings: maxPositions } = keys;
  const headWidth = headWidthOf(width, heads, 'hidden_size', 'num_attention_heads', problems);
  const { rotary_pct: share, rotary_emb_base: theta } = keys;
  return {
    width,
    layers: keys.num_hidden_layers,
    heads,
    kvHeads: heads,
    headWidth,
    innerWidth: keys.intermediate_size,
    maxPositions,
    norm: 'layer',
    normEps: keys.layer_norm_eps,
    activation: keys.hidden_act,
    gated: false,
    rotary: readRotary({ keys, maxPositions, headWidth, share, theta }, problems),
    parallelResidual: keys.use_parallel_residual,
    queryKeyValueBias: keys.attention_bias,
    attentionOutputBias: keys.attention_bias,
    feedForwardBias: true,
    queryKeyNorm: false,
    slidingWindows: new Array<null>(keys.num_hidden_layers).fill(null),
  };
}

function headWidthOf(
  width: number,
  heads: number,
  widthKey: string,
  headsKey: string,
  problems: string[],
): number {
  if (width % heads !== 0) {
    problems.push(`${widthKey}: ${width} is not divisible by ${headsKey} ${heads}`);
  }
  return Math.max(1, Math.floor(width / heads));
}

/** What must hold between the fields, whatever the family. */
function checkFit(config: DecoderConfig): string[] {
  const problems: string[] = [];
  const { heads, kvHeads, vocabSize } = config;
  if (heads % kvHeads !== 0) {
    problems.push(`num_key_value_heads: ${kvHeads} does not divide num_attention_heads ${heads}`);
  }
  const ids = { bos_token_id: [config.bosId], eos_token_id: config.eosIds, pad_token_id: [config.padId] };
  for (const [key, values] of Object.entries(ids)) {
    for (const id of values) {
      if (id !== null && id >= vocabSize)
        problems.push(`${key}: ${id} is outside the vocabulary of ${vocabSize}`);
    }
  }
  return problems;
}
