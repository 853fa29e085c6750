/** What the estimate of a stage says, and what estimating stages share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../base/index.ts';
import { Encoder, type Example } from '../../data/index.ts';
import { type OptimizerOptions, scheduleFor } from '../../train/options.ts';
import { loadData } from '../load-data.ts';
import type { InputRecord } from '../manifest.ts';
import type { DataSource, RunRecipe, StageRecipe } from '../run-recipe.ts';
import type { Memory } from './memory.ts';
import type { PlannedModel } from './planned-model.ts';
import type { Work } from './work.ts';

/** A data file or sandbox source, as it was read for the estimate. */
export interface PlannedData {
  readonly path: string;
  readonly rows: number;
}

/** Optimizer steps. */
export interface PlannedTraining {
  readonly steps: number;
  readonly batchSize: number;
  /** What a batch is counted in. */
  readonly unit: 'examples' | 'packed rows' | 'rankings' | 'pairs' | 'responses';
  /** Rows after holding out: what is trained on, and what is only measured. */
  readonly trainRows: number;
  readonly heldOutRows: number;
  /** Tokens of one row, on average. */
  readonly tokensPerRow: number;
  /** Tokens of the whole stage, padding and repeated epochs included. */
  readonly tokens: number;
  readonly microBatchesPerStep: number;
  readonly learningRate: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly warmupSteps: number;
}

/** What the options make of so many steps. */
export function scheduleOf(
  options: Pick<OptimizerOptions, 'learningRate' | 'lrSchedulerType' | 'warmupRatio'>,
  steps: number,
): Pick<PlannedTraining, 'steps' | 'learningRate' | 'schedule' | 'warmupSteps'> {
  const { lr: learningRate, schedule, warmupSteps = 0 } = scheduleFor(options, steps);
  return { steps, learningRate, schedule, warmupSteps };
}

/** Responses that a model generates. */
export interface PlannedSampling {
  readonly prompts: number;
  readonly responses: number;
  /** Tokens, on average. */
  readonly promptTokens: number;
  readonly responseTokens: number;
}

export interface StageEstimate {
  readonly name: string;
  readonly type: StageRecipe['type'];
  /** The model that the stage trains or samples from. */
  readonly model: { readonly from: string; readonly description: string; readonly parameters: number };
  /** Other models that it holds, in words. */
  readonly besides: readonly string[];
  readonly data: readonly PlannedData[];
  readonly training?: PlannedTraining;
  readonly sampling?: PlannedSampling;
  /** Bytes by what they are for, at the peak, without the process itself. */
  readonly memory: Memory;
  readonly memoryBytes: number;
  readonly seconds: number;
  /** What the numbers rest on, where that is not plain. */
  readonly notes: readonly string[];
}

/** A stage as the functions of this folder see it. */
export interface PlannedStage {
  readonly recipe: RunRecipe;
  readonly name: string;
  readonly seed: number;
  readonly threads: number | undefined;
  /** Stages before this one. */
  readonly before: Planned;
}

/** What the stages so far will have made. */
export interface Planned {
  /** Oldest first; the base model is the first if there is one. */
  readonly models: readonly PlannedModel[];
  /** The newest rankings stage. */
  readonly rankings: PlannedRankings | null;
  /** The newest best-of-n stage. */
  readonly best: PlannedBest | null;
  /** Tokens of a demonstrated response, from the newest sft stage: about what the model will write. */
  readonly responseTokens: number | null;
}

export interface PlannedRankings {
  readonly rankings: number;
  readonly responses: number;
  readonly promptTokens: number;
  readonly responseTokens: number;
}

/** The best answers that a best-of-n stage will keep. */
export interface PlannedBest {
  readonly answers: number;
  readonly promptTokens: number;
  readonly responseTokens: number;
}

/** The work and memory of a stage, before the machine's speed is known. */
export type StageDraft = Omit<StageEstimate, 'name' | 'type' | 'memoryBytes' | 'seconds' | 'model'> & {
  readonly model: PlannedModel;
  /** Work by the model whose sizes decide the speed of its products. */
  readonly work: readonly { readonly model: PlannedModel; readonly work: Work }[];
  /** Sequences decoded at once. */
  readonly decodeRows?: number;
  /** What later stages can build on. */
  readonly made?: Partial<Planned>;
};

/** Examples of a source, read as the run will read them, and how many there are. */
export async function readSource(
  source: DataSource,
  stage: PlannedStage,
  options: { readonly lines?: boolean } = {},
): Promise<{ examples: readonly Example[]; data: PlannedData[] }> {
  return once(stage, JSON.stringify([source, options]), () => readNow(source, stage, options));
}

const made = new WeakMap<PlannedStage, Map<string, unknown>>();

/** Makes something once for a stage, whose options may be tried with several memory settings. */
export function once<T>(stage: PlannedStage, key: string, make: () => T): T {
  const known = made.get(stage) ?? new Map<string, unknown>();
  made.set(stage, known);
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as T;
}

async function readNow(
  source: DataSource,
  stage: PlannedStage,
  options: { readonly lines?: boolean },
): Promise<{ examples: readonly Example[]; data: PlannedData[] }> {
  // With `onBadRow: skip` bad rows are written to a folder, which here is nobody's.
  const folder = await mkdtemp(join(tmpdir(), 'tenet-plan-'));
  try {
    const { examples, inputs } = await loadData(source, {
      ...options,
      purpose: stage.name,
      folder,
      seed: stage.seed,
    });
    return { examples, data: inputs.map(({ path, rows }: InputRecord) => ({ path, rows: rows ?? 0 })) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Examples whose tokens are counted; the rest is taken to be like them. */
const sampleSize = 256;

/** Some of the examples, the same for the same seed. */
export function sampleOf<T>(examples: readonly T[], seed: number): readonly T[] {
  if (examples.length <= sampleSize) return examples;
  const random = new Random(seed).fork('sample for the estimate');
  return Array.from({ length: sampleSize }, () => random.choice(examples));
}

export function encoderOf(model: PlannedModel, stage: PlannedStage, maxLength?: number): Encoder {
  return new Encoder({ tokenizer: model.tokenizer, wrapInChat: stage.recipe.wrapInChat, maxLength });
}

export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
