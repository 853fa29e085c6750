/** Saving a model folder in Hugging Face layout: it appears whole, and transformers loads it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError } from '../base/error.ts';
import { writeFileAtomic } from '../base/files.ts';
import { recoverFolder, replaceFolder } from '../base/folders.ts';
import { AdaptedParameters } from './adapter/adapted-parameters.ts';
import { adapterFileNames, savedNames, writeAdapter } from './adapter/write-adapter.ts';
import type { ModelHead } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';
import { bytesPerElement, type FloatDtype } from './float-formats.ts';
import { toHuggingFaceConfig } from './hugging-face-config.ts';
import { type ModelCard, renderModelCard } from './model-card.ts';
import type { ParameterStore } from './parameter-store.ts';
import { decoderSpecs, parameterSpecs, scalarHeadSpec } from './parameters.ts';
import { type RewardHeads, singleHead } from './reward-heads.ts';
import { type NamedTensor, writeSafetensors } from './safetensors-write.ts';
import { tokenizerFileNames } from './tokenizer-files.ts';
import { indexFileName, shardFileName, singleFileName } from './weight-files.ts';

export interface SaveModelOptions {
  readonly config: DecoderConfig;
  /** Parameters beyond those of the chosen head (a value head) are left out. */
  readonly parameters: ParameterStore;
  /** `causal`: next-token logits (default). `reward`: the decoder and `score.weight`. */
  readonly head?: ModelHead;
  /** Of a reward model: what its scores are. Default: it has one. */
  readonly heads?: RewardHeads | null;
  /** How to store the weights. Default float32; the others round to nearest even. */
  readonly dtype?: FloatDtype;
  readonly card: ModelCard;
  /** As read with the tokenizer or the base model, by file name. */
  readonly tokenizerFiles?: ReadonlyMap<string, Uint8Array>;
  /** `generation_config.json`. Default: the token ids of the configuration. */
  readonly generationConfig?: Readonly<Record<string, unknown>> | null;
  /** Larger weights are split into shards. Default 5 GB (transformers 4). */
  readonly maxShardBytes?: number;
  /** Of an adapter, which is saved without its base: the folder of the base model. */
  readonly baseFolder?: string | null;
}

/** What was saved. */
export interface SavedModel {
  /** Names of the files, sorted. */
  readonly files: readonly string[];
  /** `ParameterStore.hash` of what was saved. */
  readonly weightsHash: string;
}

/**
 * Saves a model, or an adapter as `peft` loads it. The folder is written beside its place and renamed into it, so a crash leaves the old
 * model or the new one.
 * @throws TenetError('usage') when the folder exists and holds files that no saved model has: they would be
 * lost, or an adapter's base is not given. TenetError('model') when parameters are missing or do not fit the
 * configuration.
 */
export async function saveModelFolder(folder: string, options: SaveModelOptions): Promise<SavedModel> {
  const { config, parameters, head = 'causal', dtype = 'float32', card } = options;
  const heads = options.heads ?? singleHead;
  const configJson = toHuggingFaceConfig(config, { head, heads, dtype });
  const adapted = parameters instanceof AdaptedParameters ? { parameters, base: requireBase(options) } : null;
  const tensors = adapted ? [] : selectTensors(config, parameters, head, heads.names.length);
  const tokenizerFiles = options.tokenizerFiles ?? new Map<string, Uint8Array>();
  const foreign = [...tokenizerFiles.keys()].filter((name) => !tokenizerFileNames.includes(name));
  if (foreign.length > 0) {
    throw new TenetError(
      'usage',
      `Not tokenizer files: ${foreign.join(', ')}. Known are ${tokenizerFileNames.join(', ')}.`,
    );
  }
  await refuseForeignFiles(folder);
  const names = adapted ? savedNames(adapted.parameters, head) : tensors.map(({ name }) => name);
  const weightsHash = parameters.hash(names);
  const generationConfig = options.generationConfig ?? {
    bos_token_id: configJson.bos_token_id,
    eos_token_id: configJson.eos_token_id,
    pad_token_id: configJson.pad_token_id,
  };
  let files: string[] = [];
  await replaceFolder(folder, async (temporary) => {
    // An adapter has none of its own: transformers would look for a whole model.
    if (!adapted) await writeFileAtomic(join(temporary, 'config.json'), toJson(configJson));
    if (head === 'causal' && !adapted) {
      await writeFileAtomic(join(temporary, 'generation_config.json'), toJson(generationConfig));
    }
    for (const [name, content] of tokenizerFiles) await writeFileAtomic(join(temporary, name), content);
    const facts = { head, heads, weightsHash, isAdapter: adapted !== null };
    await writeFileAtomic(join(temporary, 'README.md'), renderModelCard(card, facts));
    if (adapted) {
      const { base } = adapted;
      await writeAdapter(temporary, adapted.parameters, { config, head, heads, dtype, base, place: folder });
    } else {
      await writeWeights(temporary, tensors, dtype, options.maxShardBytes ?? 5e9);
    }
    files = (await readdir(temporary)).sort();
  });
  return { files, weightsHash };
}

function requireBase({ baseFolder }: SaveModelOptions): string {
  if (baseFolder) return baseFolder;
  throw new TenetError(
    'usage',
    'An adapter is saved without the model that it stands on, so say where that is: baseFolder; or merge the adapter.',
  );
}

/** The tensors of the chosen head, or an error that lists those that are missing or mis-shaped. */
function selectTensors(
  config: DecoderConfig,
  parameters: ParameterStore,
  head: ModelHead,
  rows: number,
): NamedTensor[] {
  const specs =
    head === 'reward' ? [...decoderSpecs(config), scalarHeadSpec(config, { rows })] : parameterSpecs(config);
  const problems: string[] = [];
  for (const { name, shape } of specs) {
    if (!parameters.has(name)) problems.push(`missing: ${name} [${shape}]`);
    else if (String(parameters.shapeOf(name)) !== String(shape)) {
      problems.push(`wrong shape: ${name} is [${parameters.shapeOf(name)}], must be [${shape}]`);
    }
  }
  if (problems.length > 0) {
    throw new TenetError(
      'model',
      `These parameters cannot be saved as a ${head} ${config.family} model:\n  ${problems.join('\n  ')}`,
    );
  }
  return specs.map(({ name, shape }) => ({ name, shape, data: parameters.view(name) }));
}

async function writeWeights(
  folder: string,
  tensors: readonly NamedTensor[],
  dtype: FloatDtype,
  maxShardBytes: number,
): Promise<void> {
  const bytesOf = (tensor: NamedTensor): number => tensor.data.length * bytesPerElement[dtype];
  const shards: NamedTensor[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    if (filled > 0 && filled + bytesOf(tensor) > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytesOf(tensor);
  }
  if (shards.length === 1) {
    await writeSafetensors(join(folder, singleFileName), tensors, { dtype });
    return;
  }
  const weightMap: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const name = shardFileName(i + 1, shards.length);
    await writeSafetensors(join(folder, name), shard, { dtype });
    weightMap.push(...shard.map((tensor): [string, string] => [tensor.name, name]));
  }
  weightMap.sort(([a], [b]) => (a < b ? -1 : 1));
  const totalSize = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(weightMap) };
  await writeFileAtomic(join(folder, indexFileName), toJson(index));
}

/** Replacing a folder deletes what is in it, so it may hold only what a saved model has. */
async function refuseForeignFiles(folder: string): Promise<void> {
  await recoverFolder(folder);
  const info = await stat(folder).catch(() => null);
  if (info === null) return;
  if (!info.isDirectory()) {
    throw new TenetError('usage', `${folder} is a file; choose another place for the model folder.`);
  }
  const own = new Set([
    'config.json',
    'generation_config.json',
    'README.md',
    'provenance.json',
    indexFileName,
    ...adapterFileNames,
    ...tokenizerFileNames,
  ]);
  const foreign = (await readdir(folder)).filter(
    (name) => !own.has(name) && !/^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name),
  );
  if (foreign.length === 0) return;
  throw new TenetError(
    'usage',
    `${folder} holds files that do not belong to a saved model and would be lost: ` +
      `${foreign.slice(0, 10).join(', ')}${foreign.length > 10 ? ' …' : ''}. Choose another folder or move them away.`,
  );
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
