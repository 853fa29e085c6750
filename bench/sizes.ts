/** The models that are measured, with fresh random weights, and how many operations they cost. */
import { Random } from '../src/base/index.ts';
import {
  type AdaptedParameters,
  adaptParameters,
  type DecoderConfig,
  initialiseParameters,
  makeLlamaConfig,
  type ParameterSpec,
  ParameterStore,
  parameterSpecs,
} from '../src/model/index.ts';

const small = { vocabSize: 4096, width: 256, innerWidth: 688, layers: 4, heads: 4, maxPositions: 1024 };
const medium = { vocabSize: 49_152, width: 576, innerWidth: 1536, layers: 30, heads: 9, maxPositions: 1024 };

/** Llama shapes; the 4.2 M and 135 M ones are those of the figures in `peers.ts`. */
export const sizes = {
  '0.15m': makeLlamaConfig({
    vocabSize: 512,
    width: 64,
    innerWidth: 224,
    layers: 2,
    heads: 4,
    maxPositions: 256,
  }),
  '5m': makeLlamaConfig(small),
  '135m': makeLlamaConfig({ ...medium, kvHeads: 3 }),
  '176m': makeLlamaConfig({ ...medium, tiedEmbeddings: false }),
} satisfies Record<string, DecoderConfig>;

/** Parameters with random weights. @param extra further ones, e.g. a head */
export function freshParameters(
  config: DecoderConfig,
  seed = 1,
  extra: readonly ParameterSpec[] = [],
): ParameterStore {
  const store = new ParameterStore([...parameterSpecs(config), ...extra]);
  initialiseParameters(store, new Random(seed));
  return store;
}

/** Of the adapters that are measured. */
export const adapterRank = 16;

/** A fresh adapter (LoRA) on every layer of a base. @param extra further trained parameters, e.g. a head */
export function withAdapter(
  config: DecoderConfig,
  base: ParameterStore,
  seed: number,
  extra: readonly ParameterSpec[] = [],
): AdaptedParameters {
  const settings = { type: 'lora', rank: adapterRank, alpha: 32, rsLora: false, dropout: 0 } as const;
  return adaptParameters(
    config,
    base,
    { ...settings, targetModules: 'all-linear' },
    { random: new Random(seed), extra },
  );
}

/** Parameters that a token is multiplied with: all, less an embedding that is only looked up. */
export function multipliedParameters(config: DecoderConfig, store: ParameterStore): number {
  return store.count - (config.tiedEmbeddings ? 0 : config.vocabSize * config.width);
}

/** What products are for: forward alone, or forward and backward; operations per parameter and token. */
export const passes = { forward: 2, training: 6 } as const;

/** Sequences of one length. */
export interface Rows {
  readonly rows: number;
  readonly length: number;
  /** Tokens of all rows whose log-probabilities are needed. Default: all. */
  readonly counted?: number;
}

/**
 * Operations of a training step's products, in billions: 6 per parameter and token (2 forward, 4 backward),
 * and 12 · T per unit of attention width, layer and token for scores and their use over whole rows.
 * @param parameters that a token is multiplied with, the output projection among them
 * @param operations per parameter and token, as {@link passes}
 */
export function gigaflopOf(
  config: DecoderConfig,
  parameters: number,
  { rows, length, counted = rows * length }: Rows,
  operations: number = passes.training,
): number {
  const projection = config.vocabSize * config.width;
  const attention = 2 * length * config.layers * config.heads * config.headWidth;
  const tokens = rows * length;
  return (operations * (tokens * (parameters - projection + attention) + counted * projection)) / 1e9;
}

/** Random tokens, all of them counted but the first of each row. */
export function randomTokens(config: DecoderConfig, count: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => 4 + random.int(config.vocabSize - 4));
}
