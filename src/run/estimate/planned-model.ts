/** Models that a run starts from or will make, known by their sizes and tokenizer alone. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TenetError } from '../../base/index.ts';
import { type Example, textOf } from '../../data/index.ts';
import { headOf } from '../../model/architectures.ts';
import { type DecoderConfig, makeLlamaConfig } from '../../model/index.ts';
import { parseDecoderConfig } from '../../model/parse-config.ts';
import { loadTokenizer, type Tokenizer, trainBpe } from '../../text/index.ts';
import type { StageOf } from '../run-recipe.ts';
import { type ModelShape, shapeOf } from './model-shape.ts';

export interface PlannedModel {
  /** `base`, or the stage that makes it. */
  readonly name: string;
  readonly head: 'causal' | 'reward';
  readonly config: DecoderConfig;
  readonly shape: ModelShape;
  readonly tokenizer: Tokenizer;
}

/** A model folder, its weights unread. */
export async function modelInFolder(
  folder: string,
  { name, head }: Pick<PlannedModel, 'name' | 'head'>,
): Promise<PlannedModel> {
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
  return { name, head, config, shape: shapeOf(config), tokenizer: await loadTokenizer(folder) };
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
  return { name, head: 'causal', config, shape: shapeOf(config), tokenizer };
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
