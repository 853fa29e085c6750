/**
 * `adapter_config.json` as Python's `peft` reads and writes it.
 * @see https://huggingface.co/docs/peft/package_reference/lora, version 0.21.0
 */
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';
import type { ModelHead } from '../architectures.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { scoreHeadName } from '../parameters.ts';
import type { AdaptedModule } from './adapted-parameters.ts';
import type { AdapterSettings } from './adapter-settings.ts';
import { storesInputsFirst } from './target-modules.ts';

export const adapterConfigName = 'adapter_config.json';
export const adapterWeightsName = 'adapter_model.safetensors';
/** What `peft` puts before the names of tensors. */
export const peftPrefix = 'base_model.model.';

const pattern = z.record(z.string(), z.number().positive()).nullish();
const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  task_type: z.string().nullish(),
  r: z.number().int().positive().default(8),
  lora_alpha: z.number().positive().default(8),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  modules_to_save: z.array(z.string()).nullish(),
});
export type PeftConfig = z.infer<typeof schema>;

/** Keys that change what is computed in ways that Tenet does not, and the values under which they do not. */
const plainValues: Readonly<Record<string, readonly unknown[]>> = {
  bias: ['none'],
  lora_bias: [false],
  layer_replication: [],
  trainable_token_indices: [],
  target_parameters: [],
  alora_invocation_tokens: [],
  use_qalora: [false],
  use_bdlora: [false],
  arrow_config: [],
  kasa_config: [],
  monteclora_config: [],
  velora_config: [],
};

/**
 * Names of ways to draw a fresh adapter that leave the base as it is. The others (PiSSA, OLoRA, CorDA, LoftQ …) take what
 * the adapter begins with out of the base's matrices, also when a saved adapter is loaded.
 */
const startsBesideBase: readonly string[] = ['gaussian', 'eva', 'orthogonal'];

/** @throws TenetError('model') naming all that is wrong, or that Tenet cannot compute */
export function parsePeftConfig(json: unknown, path: string): PeftConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new TenetError(
      'model',
      `${path} is not a configuration of peft:\n${z.prettifyError(parsed.error)}`,
    );
  }
  const config = parsed.data;
  const problems: string[] = [];
  if (config.peft_type !== 'LORA') problems.push(`peft_type is ${config.peft_type}; LORA is supported`);
  if (config.task_type && !['CAUSAL_LM', 'SEQ_CLS'].includes(config.task_type)) {
    problems.push(`task_type is ${config.task_type}; CAUSAL_LM and SEQ_CLS are supported`);
  }
  for (const [key, plain] of Object.entries(plainValues)) {
    const value = config[key];
    if (value === undefined || value === null || plain.includes(value)) continue;
    problems.push(`${key} is ${JSON.stringify(value)}, which Tenet does not compute`);
  }
  const { init_lora_weights: start } = config;
  if (typeof start === 'string' && !startsBesideBase.includes(start.toLowerCase())) {
    problems.push(`init_lora_weights is ${start}, which changes the base that the adapter stands on`);
  }
  if (problems.length === 0) return config;
  throw new TenetError(
    'model',
    `${path} describes an adapter that Tenet cannot use:\n${problems.map((p) => `  ${p}`).join('\n')}\n` +
      'Merge it into its base with peft (merge_and_unload) and use the merged model.',
    { details: { path, problems } },
  );
}

/** The settings that a configuration stands for; ranks and scales of single layers are those of `alphaAt`. */
export function settingsFrom(
  config: PeftConfig,
  modules: readonly { readonly path: string }[],
): AdapterSettings {
  return {
    type: config.use_dora ? 'dora' : 'lora',
    rank: config.r,
    alpha: config.lora_alpha,
    rsLora: config.use_rslora ?? false,
    dropout: config.lora_dropout,
    targetModules: [...new Set(modules.map(({ path }) => lastPart(path)))],
  };
}

/** `alpha` of the layer at a path: that of the pattern that fits its end, else everyone's. */
export function alphaAt({ alpha_pattern, lora_alpha }: PeftConfig, path: string): number {
  const fitting = Object.entries(alpha_pattern ?? {}).find(([key]) =>
    new RegExp(`(^|\\.)(${key})$`).test(path),
  );
  return fitting?.[1] ?? lora_alpha;
}

/** The configuration to save. @param options.base what `peft` should load the adapter onto */
export function toPeftConfig(
  config: DecoderConfig,
  settings: AdapterSettings,
  modules: readonly AdaptedModule[],
  options: { readonly base: string; readonly head: ModelHead },
): Record<string, unknown> {
  const { head } = options;
  const { rank, alpha } = settings;
  return {
    peft_type: 'LORA',
    task_type: head === 'reward' ? 'SEQ_CLS' : 'CAUSAL_LM',
    base_model_name_or_path: options.base,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: settings.dropout,
    use_rslora: settings.rsLora,
    use_dora: settings.type === 'dora',
    bias: 'none',
    fan_in_fan_out: storesInputsFirst(config),
    inference_mode: true,
    init_lora_weights: true,
    target_modules: targetNames(modules),
    rank_pattern: Object.fromEntries(modules.filter((m) => m.rank !== rank).map((m) => [m.path, m.rank])),
    alpha_pattern: Object.fromEntries(modules.filter((m) => m.alpha !== alpha).map((m) => [m.path, m.alpha])),
    modules_to_save: head === 'reward' ? [scoreHeadName.replace(/\.weight$/, '')] : null,
  };
}

/** The short names where they mean just these layers, else the paths. */
function targetNames(modules: readonly AdaptedModule[]): string[] {
  const layerOf = (path: string): string => /\.\d+\./.exec(path)?.[0] ?? '';
  const layers = new Set(modules.map(({ path }) => layerOf(path)));
  const shorts = new Set(
    modules.map(({ path }) => path.slice(path.indexOf(layerOf(path)) + layerOf(path).length)),
  );
  const isRegular = modules.length === layers.size * shorts.size;
  return (isRegular ? [...shorts] : modules.map(({ path }) => path)).sort();
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
