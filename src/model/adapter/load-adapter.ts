/** Loading an adapter's folder as `peft` or Tenet saved it, on its base. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError } from '../../base/index.ts';
import type { ModelHead } from '../architectures.ts';
import type { LoadedModel, LoadModelOptions } from '../loaded-model.ts';
import { type ParameterSpec, scalarHeadSpec, scoreHeadName } from '../parameters.ts';
import { readRewardHeads } from '../reward-heads.ts';
import { SafetensorsFile } from '../safetensors-file.ts';
import { readTokenizerFiles } from '../tokenizer-files.ts';
import { type AdaptedModule, AdaptedParameters, adapterNames } from './adapted-parameters.ts';
import { findBaseFolder } from './base-folder.ts';
import {
  adapterConfigName,
  adapterWeightsName,
  alphaAt,
  type PeftConfig,
  parsePeftConfig,
  peftPrefix,
  settingsFrom,
} from './peft-config.ts';
import { linearModules } from './target-modules.ts';

/**
 * Loads it with its base.
 * @param fileNames the files in the folder
 * @param loadBase  loads the base's folder, or gives the one that is in memory
 * @throws TenetError('model') when the base is not found or was changed, or listing every tensor that does not fit it
 */
export async function loadAdapter(
  folder: string,
  fileNames: readonly string[],
  options: LoadModelOptions & { readonly loadBase: (folder: string) => Promise<LoadedModel> },
): Promise<LoadedModel> {
  const configPath = join(folder, adapterConfigName);
  const peft = parsePeftConfig(await readJson(configPath), configPath);
  const found = await findBaseFolder(folder, peft.base_model_name_or_path);
  const base = await options.loadBase(found.folder);
  if (found.weights !== null && base.parameters.hash() !== found.weights) {
    throw new TenetError(
      'model',
      `${folder} was trained on the model that was in ${found.folder}, whose weights have changed since: they hash to ` +
        `${base.parameters.hash()}, and were ${found.weights}. Restore the base model, or train the adapter again.`,
    );
  }
  if (!fileNames.includes(adapterWeightsName)) {
    throw new TenetError('model', `${folder} holds no weights of the adapter: no ${adapterWeightsName}.`);
  }
  const file = await SafetensorsFile.open(join(folder, adapterWeightsName));
  try {
    const sources = new Map([...file.tensors.keys()].map((name) => [canonicalName(name), name]));
    const scoreRows = file.tensors.get(sources.get(scoreHeadName) ?? '')?.shape[0];
    const head: ModelHead = scoreRows === undefined ? base.head : 'reward';
    const config = { ...base.config, source: { ...base.config.source, ...found.labels } };
    const extra = [
      ...(scoreRows === undefined ? [] : [scalarHeadSpec(config, { rows: scoreRows })]),
      ...(options.extra ?? []),
    ];
    const modules = modulesIn({ folder, file, sources, peft, base, extra });
    const parameters = new AdaptedParameters(base.parameters, settingsFrom(peft, modules), modules, extra);
    for (const name of parameters.names) {
      const source = sources.get(name);
      if (source !== undefined) await file.readInto(source, parameters.view(name));
    }
    const own = await readTokenizerFiles(folder, fileNames);
    const hasTokenizer = own.has('tokenizer.json') || own.has('vocab.json');
    return {
      ...base,
      config,
      parameters,
      head,
      // The head may be the base's own, which the adapter leaves as it is.
      heads:
        head === 'reward'
          ? readRewardHeads(config.source, scoreRows ?? parameters.shapeOf(scoreHeadName)[0])
          : null,
      tokenizerFiles: hasTokenizer ? own : base.tokenizerFiles,
      tokenizerFolder: hasTokenizer ? folder : base.tokenizerFolder,
      storedDtype: file.tensors.values().next().value?.dtype ?? base.storedDtype,
      baseFolder: found.folder,
    };
  } finally {
    await file.close();
  }
}

/** The layers that the file adapts, in the order of the model; or every tensor that does not fit. */
function modulesIn(options: {
  folder: string;
  file: SafetensorsFile;
  sources: ReadonlyMap<string, string>;
  peft: PeftConfig;
  base: LoadedModel;
  extra: readonly ParameterSpec[];
}): AdaptedModule[] {
  const { folder, file, sources, peft, base, extra } = options;
  const problems: string[] = [];
  const known = new Set(extra.map(({ name }) => name));
  const shapeOf = (name: string): readonly number[] | undefined =>
    file.tensors.get(sources.get(name) ?? '')?.shape;
  const expectShape = (name: string, shape: readonly number[]): void => {
    known.add(name);
    const stored = shapeOf(name);
    if (!stored) problems.push(`missing: ${name} [${shape}]`);
    else if (String(stored) !== String(shape)) {
      problems.push(`wrong shape: ${sources.get(name)} is [${stored}], must be [${shape}]`);
    }
  };
  const modules = linearModules(base.config, base.parameters).flatMap((module): AdaptedModule[] => {
    const { path, inputs, outputs } = module;
    const names = adapterNames(path);
    const rank = shapeOf(names.a)?.[0] ?? shapeOf(names.b)?.[1];
    if (rank === undefined) return [];
    expectShape(names.a, [rank, inputs]);
    expectShape(names.b, [outputs, rank]);
    if (peft.use_dora) expectShape(names.magnitude, [outputs]);
    return [{ ...module, rank, alpha: alphaAt(peft, path) }];
  });
  for (const [name, stored] of sources) if (!known.has(name)) problems.push(`unexpected: ${stored}`);
  if (modules.length === 0) problems.push('it adapts no linear layer of the base');
  if (problems.length === 0) return modules;
  throw new TenetError(
    'model',
    `${folder}: the adapter does not fit its base, ${base.config.family} with ${base.config.layers} layers of width ${base.config.width}:\n` +
      problems.map((problem) => `  ${problem}`).join('\n'),
    { details: { folder, problems } },
  );
}

function canonicalName(stored: string): string {
  const name = stored.startsWith(peftPrefix) ? stored.slice(peftPrefix.length) : stored;
  return name.replace(/\.lora_magnitude_vector\.weight$/, '.lora_magnitude_vector');
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TenetError('model', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}
