/**
 * What a recipe will do, before it does it: models, data, steps, memory and time, stage by stage.
 *
 * Data are read and counted as the run will read them, so bad rows and missing files show here already. Tokens
 * are counted on a sample of 256 examples per source, micro-batches are cut from that sample as training cuts
 * them. The formulas are in `estimate/work.ts` (time) and `estimate/memory.ts`; the speed of products at the
 * model's sizes and of elementwise operators is measured on the spot, in about a third of a second.
 *
 * Left out: reading and tokenizing data, learning a vocabulary, saving.
 *
 * Compared with real stages on one thread, in processor seconds because the machine was busy: a step of SFT with
 * stories260K 0.88 s where 0.90 s were estimated, of pre-training 8.7 million parameters 5.2 s and 4.9 s, an iteration
 * of PPO 18 s and 16 s. On a machine that does other work besides, several threads wait for one another and a run
 * takes up to twice as long. Peak memory was 0.8 to 1.03 times the estimate (see `estimate/memory.ts`).
 */
import { TenetError } from '../base/index.ts';
import { checkOrder } from './check-order.ts';
import { estimateKto, estimatePairs, estimateReward } from './estimate/comparisons.ts';
import { estimateCompare, estimateCritique, estimateHybrid } from './estimate/feedback.ts';
import { fitStage } from './estimate/fit-stage.ts';
import { estimateGuard } from './estimate/guard.ts';
import { measureSpeed } from './estimate/machine-speed.ts';
import { totalMemory } from './estimate/memory.ts';
import { baseName, describeModel, modelInFolder, type PlannedModel } from './estimate/planned-model.ts';
import {
  estimateBestOfN,
  estimateEvaluate,
  estimatePolicyMethod,
  estimatePpo,
  estimateRankings,
  type PlannedScorer,
  type PracticeModels,
} from './estimate/sampling.ts';
import type { Planned, PlannedStage, StageDraft, StageEstimate } from './estimate/stage-estimate.ts';
import { estimatePretrain, estimateSft } from './estimate/supervised.ts';
import { type Speed, secondsFor } from './estimate/work.ts';
import { bytesOf } from './memory-size.ts';
import { stageNames } from './pipeline.ts';
import type { ObjectiveOptions } from './reward-options.ts';
import type { RunRecipe, StageRecipe } from './run-recipe.ts';

export type {
  PlannedData,
  PlannedSampling,
  PlannedTraining,
  StageEstimate,
} from './estimate/stage-estimate.ts';

export interface RunEstimate {
  readonly stages: readonly StageEstimate[];
  /** Seconds of all stages. */
  readonly seconds: number;
  /** Bytes at the peak of the stage that needs most. */
  readonly memoryBytes: number;
  /** Operations per second in products at the sizes of the largest model, as just measured. */
  readonly productsPerSecond: number;
}

/**
 * Estimates a run.
 * @throws what the run would throw at its start or while reading data: TenetError('usage' | 'data' | 'model' | 'preflight')
 */
export async function estimateRun(recipe: RunRecipe): Promise<RunEstimate> {
  const speeds = new Map<string, Speed>();
  const stages: StageEstimate[] = [];
  for await (const { draft, options, stage } of planStages(recipe)) {
    stages.push(await finish(draft, options, stage, speeds));
  }
  return {
    stages,
    seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
    memoryBytes: Math.max(...stages.map(({ memoryBytes }) => memoryBytes)),
    productsPerSecond: Math.max(...[...speeds.values()].map(({ products }) => products)),
  };
}

/** What a memory limit makes of a recipe. */
export interface FittedRun {
  /** With micro-batches and activation checkpointing as they fit. */
  readonly recipe: RunRecipe;
  /** Stage by stage, bytes at its peak. */
  readonly stages: readonly {
    readonly name: string;
    readonly options: StageRecipe;
    readonly memoryBytes: number;
  }[];
}

/**
 * Chooses the micro-batches of each stage so that the run stays within the recipe's `memory`; without a limit the
 * recipe stays as it is. The same recipe and data give the same choice.
 * @throws TenetError('preflight') when a stage does not fit, and what `estimateRun` throws
 */
export async function fitToMemory(recipe: RunRecipe): Promise<FittedRun> {
  if (recipe.memory === undefined) return { recipe, stages: [] };
  const stages: { name: string; options: StageRecipe; memoryBytes: number }[] = [];
  for await (const { draft, options, stage } of planStages(recipe)) {
    stages.push({ name: stage.name, options, memoryBytes: totalMemory(draft.memory) });
  }
  return { recipe: { ...recipe, stages: stages.map(({ options }) => options) }, stages };
}

/** The stages in order, each as it fits into the recipe's memory. */
async function* planStages(recipe: RunRecipe): AsyncGenerator<{
  readonly draft: StageDraft;
  readonly options: StageRecipe;
  readonly stage: PlannedStage;
}> {
  const names = stageNames(recipe);
  checkOrder(recipe, names);
  let before: Planned = { models: [], rankings: null, best: null, responseTokens: null };
  if (recipe.model) {
    before = {
      ...before,
      models: [await modelInFolder(recipe.model.path, { name: 'base', head: 'causal' })],
    };
  }
  const limit = recipe.memory === undefined ? Number.POSITIVE_INFINITY : bytesOf(recipe.memory);
  for (const [i, given] of recipe.stages.entries()) {
    const stage: PlannedStage = {
      recipe,
      name: names[i],
      seed: given.seed ?? recipe.seed,
      threads: given.threads ?? recipe.threads,
      before,
    };
    const { draft, options } = await fitStage(given, stage.name, limit, (some) => draftOf(some, stage));
    yield { draft, options, stage };
    const { models = [], ...made } = draft.made ?? {};
    before = { ...before, ...made, models: [...before.models, ...models] };
  }
}

async function draftOf(options: StageRecipe, stage: PlannedStage): Promise<StageDraft> {
  switch (options.type) {
    case 'pretrain':
      return estimatePretrain(options, stage);
    case 'sft':
      return estimateSft(options, stage, modelFor(stage, options.model, 'causal'));
    case 'rankings':
      return estimateRankings(options, stage, modelFor(stage, options.model, 'causal'));
    case 'critique':
      return estimateCritique(options, stage, {
        policy: modelFor(stage, options.model, 'causal'),
        critic: criticOf(options.critic ?? options.model, stage),
      });
    case 'compare':
      return estimateCompare(options, stage, {
        policy: modelFor(stage, options.model, 'causal'),
        critic: criticOf(options.judge ?? options.model, stage),
      });
    case 'hybrid':
      return estimateHybrid(options, stage, modelFor(stage, undefined, 'causal'));
    case 'reward':
      return estimateReward(options, stage, modelFor(stage, options.model, 'causal'));
    case 'dpo':
    case 'orpo':
    case 'cpo':
    case 'simpo':
      return estimatePairs(options, stage, modelFor(stage, options.model, 'causal'));
    case 'kto':
      return estimateKto(options, stage, modelFor(stage, options.model, 'causal'));
    case 'ppo':
      return estimatePpo(options, stage, await practiceModels(options, stage));
    case 'rloo':
    case 'grpo':
    case 'reinforce-plus-plus':
    case 'online-dpo':
    case 'raft':
      return estimatePolicyMethod(options, stage, await practiceModels(options, stage));
    case 'best-of-n':
      return estimateBestOfN(options, stage, await practiceModels(options, stage));
    case 'guard': {
      const { model, modelPath } = options;
      if (model !== undefined) return estimateGuard(options, stage, modelFor(stage, model, 'causal'));
      const named =
        modelPath === undefined
          ? null
          : await modelInFolder(modelPath, { name: baseName(modelPath), head: 'causal' });
      return estimateGuard(options, stage, named);
    }
    case 'evaluate': {
      const { models } = stage.before;
      return estimateEvaluate(options, stage, {
        policies: models.filter(({ head }) => head === 'causal'),
        reward: models.findLast(({ head }) => head === 'reward') ?? null,
      });
    }
  }
}

/** The critic or judge, where it is a model of the run; null for one that computes elsewhere. */
function criticOf(name: string | undefined, stage: PlannedStage): PlannedModel | null {
  const isStage = name === undefined || stage.before.models.some((model) => model.name === name);
  return isStage ? modelFor(stage, name, 'causal') : null;
}

/** The models of a stage in which a policy is scored. */
async function practiceModels(
  options: {
    readonly model?: string;
    readonly rewardModel?: string;
    readonly rewardModelPath?: string;
    readonly judge?: { readonly model?: string };
    readonly rewards?: readonly ObjectiveOptions[];
  },
  stage: PlannedStage,
): Promise<PracticeModels> {
  const { rewards, ...single } = options;
  const policy = modelFor(stage, options.model, 'causal');
  if (!rewards) return { policy, scorers: await scorersOf(single, stage, policy) };
  const scorers: PlannedScorer[] = [];
  for (const { name, rule, gold, function: path, ...objective } of rewards) {
    const found =
      rule || gold || path !== undefined
        ? []
        : await scorersOf({ ...objective, model: options.model }, stage, policy);
    if (found.length === 0)
      scorers.push({
        label: `objective ${name}: ${rule ? `rule ${rule.type}` : gold ? `gold ${gold}` : `function ${baseName(path ?? '')}`}`,
        model: null,
      });
    scorers.push(...found.map(({ label, model }) => ({ label: `objective ${name}: ${label}`, model })));
  }
  return { policy, scorers };
}

/** The models behind one source of rewards. */
async function scorersOf(
  options: {
    readonly model?: string;
    readonly rewardModel?: string | readonly string[];
    readonly rewardModelPath?: string | readonly string[];
    readonly judge?: { readonly model?: string };
  },
  stage: PlannedStage,
  policy: PlannedModel,
): Promise<PlannedScorer[]> {
  const { model, judge, rewardModel, rewardModelPath } = options;
  if (judge) {
    // A judge reads what a reward model would, and its question besides.
    const critic = criticOf(judge.model ?? model, stage) ?? policy;
    return [{ label: `judge: ${critic.name}`, model: critic }];
  }
  const inFolders = await Promise.all(
    [rewardModelPath ?? []]
      .flat()
      .map((path) => modelInFolder(path, { name: baseName(path), head: 'reward' })),
  );
  const named = inFolders.length > 0 && rewardModel === undefined ? [] : [rewardModel].flat();
  const models = [...named.map((name) => modelFor(stage, name, 'reward')), ...inFolders];
  return models.map((one) => ({ label: `reward model: ${one.name}`, model: one }));
}

/** The model of the named stage, or the newest of its kind. */
function modelFor(stage: PlannedStage, from: string | undefined, head: PlannedModel['head']): PlannedModel {
  const candidates = stage.before.models.filter((model) => model.head === head);
  const chosen = from === undefined ? candidates.at(-1) : candidates.find(({ name }) => name === from);
  if (chosen) return chosen;
  throw new TenetError(
    'usage',
    `stage "${stage.name}" needs a ${head === 'causal' ? 'language model' : 'reward model'}${from === undefined ? '' : ` from stage "${from}"`}, ` +
      `but the stages before it make: ${candidates.map(({ name }) => name).join(', ') || 'none'}.`,
  );
}

/** Turns a stage's work into time at this machine's speed; each model's sizes are measured once. */
async function finish(
  draft: StageDraft,
  options: StageRecipe,
  stage: PlannedStage,
  speeds: Map<string, Speed>,
): Promise<StageEstimate> {
  const { model, work, decodeRows = 64, made: _, notes, ...rest } = draft;
  let seconds = 0;
  for (const part of work) {
    const { width, innerWidth } = part.model.shape;
    const key = `${width} ${innerWidth} ${decodeRows} ${stage.threads}`;
    const speed =
      speeds.get(key) ?? (await measureSpeed(part.model.shape, { decodeRows, threads: stage.threads }));
    speeds.set(key, speed);
    seconds += secondsFor(part.work, speed);
  }
  return {
    name: stage.name,
    type: options.type,
    model: { from: model.name, description: describeModel(model), parameters: model.shape.parameters },
    ...rest,
    notes: [...notes, ...memoryNote(options, stage.recipe.memory)],
    memoryBytes: totalMemory(draft.memory),
    seconds,
  };
}

function memoryNote(options: StageRecipe, limit: string | undefined): string[] {
  if (limit === undefined || !('gradientCheckpointing' in options)) return [];
  const { microBatchTokens, gradientCheckpointing } = options;
  return [
    `Micro-batches of ${microBatchTokens.toLocaleString('en')} tokens${gradientCheckpointing ? ' with activation checkpointing' : ''}, so that it fits into ${limit}.`,
  ];
}
