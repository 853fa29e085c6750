/** What loading a model folder takes and gives. */
import type { ModelHead } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { ParameterStore } from './parameter-store.ts';
import type { ParameterSpec } from './parameters.ts';
import type { RewardHeads } from './reward-heads.ts';

/** What a model folder held. */
export interface LoadedModel {
  readonly config: DecoderConfig;
  /** float32, whatever the file's dtype. A reward model's head is the parameter `score.weight` [H, D]. */
  readonly parameters: ParameterStore;
  readonly head: ModelHead;
  /** Of a reward model: what its scores are; null of a language model. */
  readonly heads: RewardHeads | null;
  /** `generation_config.json`, or null. */
  readonly generationConfig: Readonly<Record<string, unknown>> | null;
  /** Tokenizer files as they are, by name, to be saved along. */
  readonly tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  /** Where the tokenizer is: the folder itself, or the base's where an adapter has none of its own. */
  readonly tokenizerFolder: string;
  /** How most weights were stored, as the file spells it: `F32`, `F16`, `BF16`. */
  readonly storedDtype: string;
  /** Of an adapter, whose parameters are `AdaptedParameters`: the folder of the model that it stands on; else null. */
  readonly baseFolder: string | null;
}

export interface LoadModelOptions {
  /**
   * Parameters to hold besides the model's own (a value head); zeros unless the file has them. A reward model's head
   * is added by itself.
   */
  readonly extra?: readonly ParameterSpec[];
  /** Bases in memory, by folder: an adapter whose base is here shares it, and one whose base is not adds it. */
  readonly bases?: Map<string, Promise<LoadedModel>>;
  /** True: the model in the folder is a base too, shared with adapters and so not to be changed. Default false. */
  readonly isBase?: boolean;
}
