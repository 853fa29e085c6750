/** What the stages of a recipe share: the run around them, and what the stages before them left. */
import { basename, relative, resolve } from 'node:path';
import { TenetError } from '../../base/index.ts';
import { Encoder, type Example } from '../../data/index.ts';
import {
  type CardStage,
  type LoadedModel,
  loadModelFolder,
  type RewardHeads,
  saveModelFolder,
} from '../../model/index.ts';
import { ChatTemplate, loadTokenizer, type Tokenizer } from '../../text/index.ts';
import type { StageContext } from '../../train/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';
import { describeVersions } from '../machine.ts';
import type { InputRecord } from '../manifest.ts';
import type { RunFolder } from '../run-folder.ts';
import type { RunRecipe, StageRecipe } from '../run-recipe.ts';
import { trainable } from './trainable.ts';

/** A finished stage, as later stages see it. */
export interface FinishedStage {
  readonly name: string;
  readonly type: StageRecipe['type'];
  readonly result: StageResult;
}

/** What every stage returns; recorded in the manifest, so plain data. */
export interface StageResult {
  /** The model it made, relative to the run folder. */
  readonly model?: {
    readonly folder: string;
    readonly head: 'causal' | 'reward' | 'guard';
    readonly weights: string;
  };
  /** How the model was made so far, for its card. */
  readonly card?: readonly CardStage[];
  /** A data file it made, relative to the run folder. */
  readonly data?: string;
  /** Preference pairs that it made besides, relative to the run folder; null where it made none. */
  readonly preferences?: string | null;
  /** What it measured. */
  readonly [metric: string]: unknown;
}

export interface StageRun {
  readonly recipe: RunRecipe;
  readonly run: RunFolder;
  readonly context: StageContext;
  readonly name: string;
  readonly seed: number;
  readonly threads: number | undefined;
  /** Stages before this one, oldest first. */
  readonly finished: readonly FinishedStage[];
}

/** A model as a stage starts from it. */
export interface StartModel extends LoadedModel {
  readonly tokenizer: Tokenizer;
  /** Ids that end a response. */
  readonly stopIds: readonly number[];
  readonly folder: string;
  readonly card: readonly CardStage[];
  readonly name: string;
}

/** Models in the memory of a stage that adapters stand on. */
const bases = new WeakMap<StageContext, Map<string, Promise<LoadedModel>>>();

function basesOf({ context }: Pick<StageRun, 'context'>): Map<string, Promise<LoadedModel>> {
  const known = bases.get(context) ?? new Map<string, Promise<LoadedModel>>();
  bases.set(context, known);
  return known;
}

/**
 * The model of an earlier stage, by name or the newest of its kind, else the recipe's base model. A language model
 * comes with the adapter that the stage trains, or without any; a reward model as it was saved. All that stand on one
 * base share it.
 * @param options.path    a folder to use instead
 * @param options.adapter what the stage trains instead of all weights
 */
export async function startModel(
  stage: StageRun,
  options: {
    readonly from?: string;
    readonly path?: string;
    readonly head?: 'causal' | 'reward';
    readonly adapter?: AdapterOptions;
    /** What for, in the run's record; unique within a stage. Default: policy, or reward model. */
    readonly role?: string;
  } = {},
): Promise<StartModel> {
  const head = options.head ?? 'causal';
  const source =
    options.path === undefined
      ? findModel(stage, options.from, head)
      : { folder: options.path, card: [], name: basename(options.path) };
  const { adapter } = options;
  const loaded = await loadModelFolder(source.folder, {
    // A language model without an adapter becomes a copy of its own, which needs no base to stay.
    ...((adapter || head === 'reward') && { bases: basesOf(stage), isBase: adapter !== undefined }),
  });
  expectHead(loaded.head, head, `stage "${stage.name}": ${source.folder}`);
  const role = options.role ?? (head === 'causal' ? 'policy' : 'reward model');
  await recordModelUse(stage, role, source, loaded);
  const tokenizer = withTemplate(await loadTokenizer(loaded.tokenizerFolder), stage.recipe.wrapInChat);
  const stopIds = new Set<number>(loaded.config.eosIds);
  if (tokenizer.eosId !== null) stopIds.add(tokenizer.eosId);
  if (stage.recipe.wrapInChat)
    for (const id of new ChatTemplate(tokenizer).turnEnd().stopIds) stopIds.add(id);
  const { seed, threads } = stage;
  const found = { ...loaded, ...source };
  const model =
    head === 'reward' ? found : await trainable(found, { adapter, seed, threads, stage: stage.name });
  return { ...model, tokenizer, tokenizerFiles: tokenizer.files, stopIds: [...stopIds] };
}

/** Records where the stage's model came from, so that its own model can be traced to it. */
async function recordModelUse(
  { finished, run, name }: Pick<StageRun, 'finished' | 'run' | 'name'>,
  role: string,
  source: { readonly folder: string; readonly name: string },
  { parameters }: LoadedModel,
): Promise<void> {
  const made = finished.find(
    ({ result }) => result.model && resolve(run.path, result.model.folder) === source.folder,
  );
  await run.recordUse(
    name,
    made?.result.model
      ? {
          kind: 'model',
          role,
          stage: made.name,
          path: made.result.model.folder,
          hash: made.result.model.weights,
        }
      : { kind: 'model', role, path: source.folder, hash: parameters.hash() },
  );
}

/** Refuses a reward model where a language model is needed, and the other way round. */
export function expectHead(found: string, wanted: 'causal' | 'reward', where: string): void {
  if (found === wanted) return;
  throw new TenetError(
    'model',
    wanted === 'reward'
      ? `${where} is a language model, and a reward model is needed (one that a reward stage has made)`
      : `${where} is a reward model, and a language model is needed (the one it was trained from, for example)`,
  );
}

/**
 * A tokenizer whose files say how conversations are laid out: where a model names no chat template, the plain one
 * that the run trains it with is saved along, so that whoever loads the model lays them out the same way.
 */
export function withTemplate(tokenizer: Tokenizer, wrapInChat: boolean): Tokenizer {
  if (!wrapInChat || tokenizer.chatTemplate !== null) return tokenizer;
  return tokenizer.withChatTemplate(new ChatTemplate(tokenizer).source);
}

/** Where a model stands and how it was made. */
export function findModel(
  stage: Pick<StageRun, 'finished' | 'recipe' | 'run' | 'name'>,
  from: string | undefined,
  head: 'causal' | 'reward',
): { readonly folder: string; readonly card: readonly CardStage[]; readonly name: string } {
  const { finished, recipe, run } = stage;
  const candidates = finished.filter(({ result }) => result.model?.head === head);
  const chosen = from === undefined ? candidates.at(-1) : candidates.find(({ name }) => name === from);
  if (chosen?.result.model) {
    return {
      folder: resolve(run.path, chosen.result.model.folder),
      card: chosen.result.card ?? [],
      name: chosen.name,
    };
  }
  if ((from === undefined || from === 'base') && head === 'causal' && recipe.model)
    return { folder: recipe.model.path, card: [], name: 'base' };
  const what = head === 'causal' ? 'language model' : 'reward model';
  const known = candidates.map(({ name }) => name).join(', ') || 'none';
  throw new TenetError(
    'usage',
    `stage "${stage.name}" needs a ${what}${from === undefined ? '' : ` from stage "${from}"`}, but the stages before it made: ${known}. ` +
      (head === 'causal'
        ? 'Give the recipe a model: { path: … }, or put a pretrain stage first.'
        : 'Put a reward stage before it.'),
  );
}

/** An encoder that follows the recipe's chat setting. */
export function encoderFor(stage: StageRun, tokenizer: Tokenizer, maxLength?: number): Encoder {
  return new Encoder({ tokenizer, wrapInChat: stage.recipe.wrapInChat, maxLength });
}

/**
 * Saves the stage's model in Hugging Face layout with its card.
 * @returns the part of the stage's result that later stages need
 */
export async function finishModel(
  stage: StageRun,
  start: Pick<StartModel, 'config' | 'parameters' | 'tokenizerFiles' | 'generationConfig' | 'card'> &
    Partial<Pick<StartModel, 'baseFolder'>>,
  made: {
    readonly head: 'causal' | 'reward';
    /** Of a reward model with several. */
    readonly heads?: RewardHeads;
    readonly settings: CardStage['settings'];
    readonly metrics: CardStage['metrics'];
    readonly data: readonly InputRecord[];
  },
): Promise<Pick<StageResult, 'model' | 'card'>> {
  const { recipe, run, context, name } = stage;
  const folder = resolve(context.folder, 'model');
  const cardStage: CardStage = {
    name,
    data: made.data.map(({ name: dataName, hash, rows }) => ({
      name: dataName,
      hash,
      ...(rows !== undefined && { rows }),
    })),
    settings: made.settings,
    metrics: made.metrics,
  };
  const card = [...start.card, cardStage];
  const { weightsHash } = await saveModelFolder(folder, {
    config: start.config,
    parameters: start.parameters,
    head: made.head,
    heads: made.heads,
    tokenizerFiles: start.tokenizerFiles,
    generationConfig: start.generationConfig,
    baseFolder: start.baseFolder,
    card: {
      name: `${run.manifest.name} (${name})`,
      summary: recipe.description ?? `Made by stage "${name}" of the Tenet run "${run.manifest.name}".`,
      baseModel: recipe.model?.path,
      stages: card,
      tenetVersion: describeVersions().tenet,
    },
  });
  return { model: { folder: relative(run.path, folder), head: made.head, weights: weightsHash }, card };
}

/** Waits for sampling whose parts are not saved; says what a stop means for the stage. */
export async function sampled<T>(stage: StageRun, generations: Promise<T>): Promise<T> {
  try {
    return await generations;
  } catch (error) {
    if (!(TenetError.is(error) && error.code === 'interrupted')) throw error;
    throw new TenetError(
      'interrupted',
      `Stopped in stage "${stage.name}", which begins again with --resume; the stages before it are kept.`,
      { cause: error },
    );
  }
}

/** The options worth printing on a card: plain values, and the adapter's. */
export function settingsOf(options: Readonly<Record<string, unknown>>): CardStage['settings'] {
  const { adapter, ...others } = options;
  const adapters = Object.entries(adapter ?? {}).map(([key, value]): [string, unknown] => [
    `adapter.${key}`,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  const plain = [...Object.entries(others), ...adapters].filter(
    ([key, value]) =>
      !['type', 'name', 'model', 'threads'].includes(key) &&
      (value === null || ['string', 'number', 'boolean'].includes(typeof value)),
  );
  return Object.fromEntries(plain) as CardStage['settings'];
}

/** The question as a person reads it: a plain prompt, or the last user message of a conversation. */
export function promptText(example: Example): string {
  if (example.kind === 'text') return example.text;
  const content = example.kind === 'chat' ? example.messages : example.prompt;
  if (typeof content === 'string') return content;
  const last = content.findLast((message) => message.role === 'user') ?? content.at(-1);
  return typeof last?.content === 'string' ? last.content : JSON.stringify(last?.content ?? '');
}
