/** Loading a model folder in Hugging Face layout: everything is checked before any weight is read. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError } from '../base/error.ts';
import { recoverFolder } from '../base/folders.ts';
import { loadAdapter } from './adapter/load-adapter.ts';
import { adapterConfigName } from './adapter/peft-config.ts';
import { headOf } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { LoadedModel, LoadModelOptions } from './loaded-model.ts';
import { ParameterStore } from './parameter-store.ts';
import {
  decoderSpecs,
  embeddingName,
  outputProjectionName,
  type ParameterSpec,
  parameterSpecs,
  scalarHeadSpec,
  scoreHeadName,
} from './parameters.ts';
import { parseDecoderConfig } from './parse-config.ts';
import { readRewardHeads } from './reward-heads.ts';
import { canonicalName } from './tensor-names.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';
import { WeightFiles } from './weight-files.ts';

/**
 * Loads a model, or an adapter with the model that it stands on.
 * @throws TenetError('model') for an unsupported configuration, damaged weights, or listing every tensor
 * that is missing, has the wrong shape or belongs nowhere.
 */
export async function loadModelFolder(folder: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { bases, isBase } = options;
  const fileNames = await listFolder(folder);
  if (fileNames.includes(adapterConfigName)) {
    return loadAdapter(folder, fileNames, { ...options, loadBase: (base) => loadBase(base, bases) });
  }
  if (isBase && bases) return loadBase(folder, bases);
  const configPath = join(folder, 'config.json');
  if (!fileNames.includes('config.json')) {
    throw new TenetError('model', `${folder} is not a model folder: it has no config.json.`);
  }
  const config = parseDecoderConfig(await readJson(configPath), configPath);
  const generationPath = join(folder, 'generation_config.json');
  const generationConfig = fileNames.includes('generation_config.json')
    ? ((await readJson(generationPath)) as Record<string, unknown>)
    : null;
  const weights = await WeightFiles.open(folder, fileNames);
  try {
    const head = headOf(config.source) ?? (weights.tensors.has(scoreHeadName) ? 'reward' : 'causal');
    const extra = options.extra ?? [];
    const rows = weights.tensors.get(scoreHeadName)?.shape[0] ?? 1;
    const own =
      head === 'reward'
        ? [...decoderSpecs(config), scalarHeadSpec(config, { rows })]
        : parameterSpecs(config);
    const sources = matchTensors({ folder, config, weights, required: own, optional: extra });
    const parameters = new ParameterStore([...own, ...extra]);
    for (const [name, stored] of sources) {
      if (parameters.has(name)) await weights.readInto(stored, parameters.view(name));
    }
    await checkTying({
      folder,
      config,
      weights,
      parameters,
      projection: sources.get(outputProjectionName(config)),
    });
    return {
      config,
      parameters,
      head,
      heads: head === 'reward' ? readRewardHeads(config.source, rows) : null,
      generationConfig,
      tokenizerFiles: await readTokenizerFiles(folder, fileNames),
      tokenizerFolder: folder,
      baseFolder: null,
      storedDtype: weights.tensors.get(sources.get(embeddingName(config))!)!.dtype,
    };
  } finally {
    await weights.close();
  }
}

/** A model that others stand on, once for all of them. */
async function loadBase(folder: string, bases: LoadModelOptions['bases']): Promise<LoadedModel> {
  const path = await realpath(folder);
  const base = bases?.get(path) ?? loadModelFolder(path);
  bases?.set(path, base);
  return base;
}

/** The stored name of each parameter (and of a redundant output projection), or every mismatch at once. */
function matchTensors(options: {
  folder: string;
  config: DecoderConfig;
  weights: WeightFiles;
  required: readonly ParameterSpec[];
  optional: readonly ParameterSpec[];
}): Map<string, string> {
  const { folder, config, weights, required, optional } = options;
  const shapes = new Map([...required, ...optional].map((spec) => [spec.name, spec.shape]));
  const projection = outputProjectionName(config);
  // A tied model's file may repeat the embedding as output projection; a reward model has no use for it.
  if (!shapes.has(projection)) shapes.set(projection, [config.vocabSize, config.width]);
  const sources = new Map<string, string>();
  const problems: string[] = [];
  for (const [stored, { shape, dtype }] of weights.tensors) {
    const name = canonicalName(config, stored);
    if (name === null) continue;
    const expected = shapes.get(name);
    if (!expected) {
      problems.push(`unexpected: ${stored} [${shape}]`);
    } else if (sources.has(name)) {
      problems.push(`unexpected: ${stored} and ${sources.get(name)} are the same parameter`);
    } else {
      sources.set(name, stored);
      if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) {
        problems.push(`wrong shape: ${stored} is [${shape}], must be [${expected}]`);
      }
      if (!['F32', 'F16', 'BF16', 'F64'].includes(dtype)) {
        problems.push(`wrong dtype: ${stored} is ${dtype}; weights must be F32, F16, BF16 or F64`);
      }
    }
  }
  for (const { name, shape } of required) {
    if (!sources.has(name)) {
      const hint =
        name === projection ? ' (if it is tied to the embedding, set tie_word_embeddings to true)' : '';
      problems.push(`missing: ${name} [${shape}]${hint}`);
    }
  }
  if (problems.length === 0) return sources;
  throw new TenetError(
    'model',
    `${folder}: the weights do not fit config.json:\n${problems.map((p) => `  ${p}`).join('\n')}`,
    { details: { folder, problems } },
  );
}

/** A tied model whose file holds another output projection would silently lose it. */
async function checkTying(options: {
  folder: string;
  config: DecoderConfig;
  weights: WeightFiles;
  parameters: ParameterStore;
  projection: string | undefined;
}): Promise<void> {
  const { folder, config, weights, parameters, projection } = options;
  if (!config.tiedEmbeddings || projection === undefined) return;
  const embedding = parameters.view(embeddingName(config));
  const stored = new Float32Array(embedding.length);
  await weights.readInto(projection, stored);
  if (stored.every((value, i) => Object.is(value, embedding[i]))) return;
  throw new TenetError(
    'model',
    `${folder}: config.json ties the output projection to the embedding, but ${projection} differs from ` +
      `${embeddingName(config)}. Set tie_word_embeddings to false in config.json to use it.`,
  );
}

async function listFolder(folder: string): Promise<string[]> {
  await recoverFolder(folder);
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is not a folder' : message;
    throw new TenetError('model', `Cannot read the model folder ${folder}: ${why}.`, { cause });
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TenetError('model', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}
