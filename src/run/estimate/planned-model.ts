/** Models that a run starts from or will make, known by their sizes and tokenizer alone. */
import { readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists, TenetError } from '../../base/index.ts';
import { type Example, textOf } from '../../data/index.ts';
import { findBaseFolder } from '../../model/adapter/base-folder.ts';
import { adapterConfigName, adapterWeightsName, parsePeftConfig } from '../../model/adapter/peft-config.ts';
import { headOf } from '../../model/architectures.ts';
import { type DecoderConfig, makeLlamaConfig, SafetensorsFile } from '../../model/index.ts';
import { parseDecoderConfig } from '../../model/parse-config.ts';
import { loadTokenizer, type Tokenizer, trainBpe } from '../../text/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';
import type { StageOf } from '../run-recipe.ts';
import type { Training } from './memory.ts';
import { adapterParametersOf, type ModelShape, shapeOf } from './model-shape.ts';

export interface PlannedModel {
  /** `base`, or the stage that makes it. */
  readonly name: string;
  readonly head: 'causal' | 'reward';
  readonly config: DecoderConfig;
  readonly shape: ModelShape;
  readonly tokenizer: Tokenizer;
  /** What it takes in memory: weights that models of the same `base` share, and parameters of its own besides. */
  readonly weights: { readonly base: string; readonly own: number };
}

/** Bytes of the models that are held at once; those on one base share it. */
export function heldWeights(models: readonly PlannedModel[]): number {
  const bases = new Map(models.map(({ weights, shape }) => [weights.base, shape.parameters]));
  const own = models.reduce((sum, { weights }) => sum + weights.own, 0);
  return 4 * [...bases.values()].reduce((sum, parameters) => sum + parameters, own);
}

/** Bytes of a copy of a model that is kept as it was; of one with an adapter, the adapter's alone. */
export function referenceWeights(
  { config, shape }: PlannedModel,
  { adapter }: { readonly adapter?: AdapterOptions },
): number {
  return 4 * (adapter ? adapterParametersOf(config, adapter) : shape.parameters);
}

/** How a stage's options train a model. */
export function trainingOf(
  { config }: PlannedModel,
  options: { readonly adapter?: AdapterOptions; readonly gradientCheckpointing: boolean },
  severalMicroBatches: boolean,
): Training {
  const { adapter, gradientCheckpointing } = options;
  const adapterParameters = adapter ? adapterParametersOf(config, adapter) : null;
  return { severalMicroBatches, adapterParameters, gradientCheckpointing };
}

/** The model that a stage will make of another one: an adapter on the same base, or weights of its own. */
export function trainedModel(
  model: PlannedModel,
  name: string,
  { adapter }: { readonly adapter?: AdapterOptions },
): PlannedModel {
  const weights = adapter
    ? { base: model.weights.base, own: adapterParametersOf(model.config, adapter) }
    : { base: `stage ${name}`, own: 0 };
  return { ...model, name, weights };
}

/** A model folder, its weights unread. */
export async function modelInFolder(
  folder: string,
  { name, head }: Pick<PlannedModel, 'name' | 'head'>,
): Promise<PlannedModel> {
  const peftPath = join(folder, adapterConfigName);
  if (await exists(peftPath)) return adapterInFolder(folder, peftPath, { name, head });
  const path = join(folder, 'config.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'it has no config.json' : `config.json: ${(error as Error).message}`;
    throw new TenetError('model', `${folder} is not a model folder: ${why}.`, { cause: error });
  }
  const config = parseDecoderConfig(json, path);
  if (head === 'reward' && headOf(config.source) === 'causal') {
    throw new TenetError('model', `${folder} is a language model; a reward model is needed here.`);
  }
  const weights = { base: await realpath(folder), own: 0 };
  return { name, head, config, shape: shapeOf(config), tokenizer: await loadTokenizer(folder), weights };
}

/** An adapter on its base. */
async function adapterInFolder(
  folder: string,
  peftPath: string,
  { name, head }: Pick<PlannedModel, 'name' | 'head'>,
): Promise<PlannedModel> {
  const peft = parsePeftConfig(JSON.parse(await readFile(peftPath, 'utf8')), peftPath);
  const found = await findBaseFolder(folder, peft.base_model_name_or_path);
  const base = await modelInFolder(found.folder, { name, head: 'causal' });
  const isReward = peft.task_type === 'SEQ_CLS';
  if (isReward !== (head === 'reward')) {
    const [has, needs] = isReward ? ['reward', 'language'] : ['language', 'reward'];
    throw new TenetError(
      'model',
      `${folder} is an adapter of a ${has} model; a ${needs} model is needed here.`,
    );
  }
  const file = await SafetensorsFile.open(join(folder, adapterWeightsName));
  await file.close();
  const own = [...file.tensors.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  const hasTokenizer = await exists(join(folder, 'tokenizer.json'));
  return {
    ...base,
    head,
    tokenizer: hasTokenizer ? await loadTokenizer(folder) : base.tokenizer,
    weights: { base: base.weights.base, own },
  };
}

/** Characters from which the estimate learns a vocabulary; the run itself learns from all. */
const vocabularySample = 400_000;

/** The model that a pretrain stage will create. */
export async function modelToCreate(
  options: StageOf<'pretrain'>,
  name: string,
  examples: readonly Example[],
): Promise<PlannedModel> {
  const texts: string[] = [];
  let characters = 0;
  for (let i = 0; i < examples.length && characters < vocabularySample; i++) {
    const text = plainText(examples[i]).slice(0, vocabularySample - characters);
    texts.push(text);
    characters += text.length;
  }
  const { width, heads } = options.architecture;
  const { tokenizer } = await trainBpe(texts, {
    vocabSize: options.tokenizer.vocabSize,
    maxLength: options.architecture.maxPositions,
  });
  const config = makeLlamaConfig({
    ...options.architecture,
    vocabSize: options.tokenizer.vocabSize,
    tiedEmbeddings: true,
    kvHeads: options.architecture.kvHeads ?? heads,
    innerWidth: options.architecture.innerWidth ?? Math.ceil((width * 8) / 3 / 32) * 32,
  });
  const weights = { base: `stage ${name}`, own: 0 };
  return { name, head: 'causal', config, shape: shapeOf(config), tokenizer, weights };
}

function plainText(example: Example): string {
  if (example.kind === 'text') return example.text;
  if (example.kind === 'chat') return example.messages.map(textOf).join('\n\n');
  return JSON.stringify(example);
}

/** `llama, 5 layers of width 64, 0.26 M parameters` */
export function describeModel({ config, shape }: PlannedModel): string {
  return `${config.family}, ${config.layers} layers of width ${config.width}, ${formatCount(shape.parameters)} parameters`;
}

/** `base (stories260K)` */
export function baseName(folder: string): string {
  return basename(folder);
}

/** 1,234 or 12.3 k or 4.5 M or 1.2 G, three digits. */
export function formatCount(count: number): string {
  const steps: [number, string][] = [
    [1e12, ' T'],
    [1e9, ' G'],
    [1e6, ' M'],
    [1e5, ' k'],
  ];
  for (const [size, unit] of steps) {
    if (count >= size) {
      const scaled = count / (unit === ' k' ? 1e3 : size);
      return `${Number(scaled.toPrecision(3))}${unit}`;
    }
  }
  return Math.round(count).toLocaleString('en');
}
