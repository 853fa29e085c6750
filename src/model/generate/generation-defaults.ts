/** What a model folder says about how its model wants to be sampled. */
import type { SamplingOptions } from './sampling.ts';

export interface GenerationDefaults extends SamplingOptions {
  /** Most new tokens, if the folder names a number. */
  readonly maxNewTokens?: number;
}

/**
 * Sampling options of a `generation_config.json`. What it leaves out stays at Tenet's defaults, with one
 * exception: `"do_sample": false` is greedy. (transformers is also greedy where `do_sample` is missing.)
 */
export function generationDefaults(config: Readonly<Record<string, unknown>> | null): GenerationDefaults {
  const number = (key: string): number | undefined =>
    typeof config?.[key] === 'number' ? (config[key] as number) : undefined;
  const found = {
    temperature: config?.do_sample === false ? 0 : number('temperature'),
    topK: number('top_k'),
    topP: number('top_p'),
    minP: number('min_p'),
    repetitionPenalty: number('repetition_penalty'),
    maxNewTokens: number('max_new_tokens'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Every id that ends a text according to `generation_config.json`, `config.json` and the tokenizer. */
export function endIds(
  generationConfig: Readonly<Record<string, unknown>> | null,
  configured: readonly number[],
  tokenizerEosId: number | null,
): number[] {
  const listed = [generationConfig?.eos_token_id ?? []].flat();
  const ids = [...listed, ...configured, tokenizerEosId].filter((id) => typeof id === 'number');
  return [...new Set(ids)];
}
