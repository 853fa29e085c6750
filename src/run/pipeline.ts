/** Executes a recipe: its stages in order, each once, inside a run folder. */
import { TenetError } from '../base/index.ts';
import { loadModelFolder } from '../model/index.ts';
import { removeCheckpoints } from '../train/index.ts';
import { removeBestWeights } from './monitoring/best-weights.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { writeReport } from './report.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';
import { learnsFromComparisons, type RunRecipe, type StageRecipe } from './run-recipe.ts';
import { runStage } from './run-stage.ts';
import { runBestOfN } from './stages/best-of-n.ts';
import { runCompare } from './stages/compare.ts';
import { runCritique } from './stages/critique.ts';
import { runEvaluate } from './stages/evaluate.ts';
import { runGuard } from './stages/guard.ts';
import { runHybrid } from './stages/hybrid.ts';
import { runKto } from './stages/kto.ts';
import { runPairMethod } from './stages/pair-methods.ts';
import { runPolicyMethod } from './stages/policy-methods.ts';
import { runPpo } from './stages/ppo.ts';
import { runPretrain } from './stages/pretrain.ts';
import { runRankings } from './stages/rankings.ts';
import { runReward } from './stages/reward.ts';
import { runSft } from './stages/sft.ts';
import { expectHead, type FinishedStage, type StageResult, type StageRun } from './stages/stage-run.ts';

export interface PipelineOptions {
  /** The recipe as checked. */
  readonly recipe: RunRecipe;
  /** The recipe as resolved, the text stored in the run folder. */
  readonly resolved: string;
  readonly runFolder: string;
  /** Name of the run, for reports. */
  readonly name: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  /** True: the recipe comes from `fitToMemory`, which one with a memory limit has to. Default false. */
  readonly isFitted?: boolean;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Where progress is shown. Default: nowhere. */
  readonly display?: ProgressDisplay;
}

export interface PipelineResult {
  readonly runFolder: string;
  readonly report: string;
  readonly stages: readonly FinishedStage[];
}

/** The stages with a name each: the given one, else the type. */
export function stageNames(recipe: RunRecipe): string[] {
  const names = recipe.stages.map((stage) => stage.name ?? stage.type);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated) {
    throw new TenetError(
      'usage',
      `the recipe has two stages named "${repeated}"; give one of them another name: …`,
    );
  }
  return names;
}

/**
 * Runs a recipe from its first unfinished stage to the end.
 * @throws what a stage throws; the report is written all the same
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const { recipe } = options;
  if (recipe.memory !== undefined && !options.isFitted) {
    throw new TenetError(
      'usage',
      `the recipe limits memory to ${recipe.memory}; give it to fitToMemory first and run what that returns, with isFitted: true`,
    );
  }
  const names = stageNames(recipe);
  checkOrder(recipe, names);
  const run = await openRunFolder({
    path: options.runFolder,
    recipe: options.resolved,
    stages: names,
    seeds: { run: recipe.seed },
    name: options.name,
    resume: options.resume,
    overwrite: options.overwrite,
  });
  try {
    await recordBaseModel(run, recipe);
    const finished: FinishedStage[] = [];
    for (const [i, stage] of recipe.stages.entries()) {
      const name = names[i];
      if (options.signal.aborted && run.stage(name).status !== 'finished') {
        throw new TenetError('interrupted', `Stopped before stage "${name}". Resume with --resume.`);
      }
      const result = await runStage<StageResult>(
        run,
        name,
        { signal: options.signal, display: options.display },
        (context) =>
          runOne(stage, {
            recipe,
            run,
            context,
            name,
            seed: stage.seed ?? recipe.seed,
            threads: stage.threads ?? recipe.threads,
            finished,
          }),
      );
      // Only now that the stage's result is recorded are its checkpoints of no use.
      await removeCheckpoints(run.stageFolder(name));
      await removeBestWeights(run.stageFolder(name));
      finished.push({ name, type: stage.type, result });
    }
    await run.finish(outcomeOf(finished));
    return { runFolder: run.path, report: await writeReport(run.path), stages: finished };
  } catch (error) {
    await writeReport(run.path).catch(() => undefined);
    throw error;
  } finally {
    run.close();
  }
}

function runOne(stage: StageRecipe, run: StageRun): Promise<StageResult> {
  switch (stage.type) {
    case 'pretrain':
      return runPretrain(stage, run);
    case 'sft':
      return runSft(stage, run);
    case 'rankings':
      return runRankings(stage, run);
    case 'critique':
      return runCritique(stage, run);
    case 'compare':
      return runCompare(stage, run);
    case 'hybrid':
      return runHybrid(stage, run);
    case 'reward':
      return runReward(stage, run);
    case 'dpo':
    case 'orpo':
    case 'cpo':
    case 'simpo':
      return runPairMethod(stage, run);
    case 'kto':
      return runKto(stage, run);
    case 'ppo':
      return runPpo(stage, run);
    case 'rloo':
    case 'grpo':
    case 'reinforce-plus-plus':
    case 'online-dpo':
    case 'raft':
      return runPolicyMethod(stage, run);
    case 'best-of-n':
      return runBestOfN(stage, run);
    case 'evaluate':
      return runEvaluate(stage, run);
    case 'guard':
      return runGuard(stage, run);
  }
}

/** Finds at the start what would otherwise fail after hours: stages whose inputs nothing before them makes. */
export function checkOrder(recipe: RunRecipe, names: readonly string[]): void {
  const problems: string[] = [];
  let policy = recipe.model !== undefined;
  const rewardModels: string[] = [];
  let comparisons = false;
  let demonstrations = false;
  recipe.stages.forEach((stage, i) => {
    const where = `stages[${i}] (${names[i]})`;
    const earlier = names.slice(0, i);
    const needsModel = stage.type === 'guard' ? stage.model !== undefined : stage.type !== 'pretrain';
    if (needsModel && !policy) {
      problems.push(
        `${where} has no model to start from: give the recipe model: { path: … }, or put a pretrain stage first`,
      );
    }
    const isBase = 'model' in stage && stage.model === 'base' && recipe.model !== undefined;
    if ('model' in stage && stage.model !== undefined && !isBase && !earlier.includes(stage.model)) {
      problems.push(
        `${where}: model "${stage.model}" is not the name of an earlier stage (${earlier.join(', ') || 'there is none'})`,
      );
    }
    if ('allowWeakReward' in stage && stage.rewards) {
      for (const { name, rewardModel = [] } of stage.rewards) {
        const unknown = [rewardModel].flat().filter((wanted) => !rewardModels.includes(wanted));
        for (const wanted of unknown) {
          problems.push(
            `${where}: rewardModel "${wanted}" of objective "${name}" is not the name of an earlier reward stage (${rewardModels.join(', ') || 'there is none'})`,
          );
        }
      }
      const learned = stage.rewardMix?.learnedWeights;
      if (learned && !learned.data && !comparisons) {
        problems.push(
          `${where} has no comparisons to learn weights from: give rewardMix.learnedWeights data: { path: … }, or put a rankings or compare stage before it`,
        );
      }
    } else if ('allowWeakReward' in stage && !('judge' in stage && stage.judge)) {
      const { rewardModel, rewardModelPath } = stage;
      if (rewardModel !== undefined && !rewardModels.includes(rewardModel)) {
        problems.push(
          `${where}: rewardModel "${rewardModel}" is not the name of an earlier reward stage (${rewardModels.join(', ') || 'there is none'})`,
        );
      } else if (rewardModels.length === 0 && rewardModelPath === undefined) {
        problems.push(`${where} has no reward model: put a reward stage before it, or give rewardModelPath`);
      }
    }
    if ('monitors' in stage && stage.monitors) {
      problems.push(
        ...monitorProblems(stage, rewardModels).map((problem) => `${where}: monitors ${problem}`),
      );
    }
    if (learnsFromComparisons(stage) && !stage.data && !comparisons) {
      problems.push(
        `${where} has no data: give it data: { path: … }, or put a rankings or compare stage before it`,
      );
    }
    if (stage.type === 'sft' && !stage.data && !demonstrations) {
      problems.push(
        `${where} has no data: give it data: { path: … }, or put a best-of-n or critique stage before it`,
      );
    }
    if (stage.type === 'hybrid') {
      const judged = recipe.stages.slice(0, i).some(({ type }) => type === 'compare');
      if (!judged)
        problems.push(`${where} has no judge's labels to share out: put a compare stage before it`);
    }
    if (stage.type === 'pretrain' || stage.type === 'sft') policy = true;
    if (stage.type === 'reward') rewardModels.push(names[i]);
    if (stage.type === 'rankings' || stage.type === 'compare') comparisons = true;
    if (stage.type === 'critique' && stage.pairs) comparisons = true;
    if (stage.type === 'best-of-n' || stage.type === 'critique') demonstrations = true;
  });
  if (problems.length === 0) return;
  throw new TenetError(
    'usage',
    `The recipe cannot run:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

/** A held-out reward has to be there before the stage, and going back needs one. */
function monitorProblems(stage: StageRecipe, rewardModels: readonly string[]): string[] {
  if (!('prompts' in stage && 'monitors' in stage && stage.monitors)) return [];
  const { action, actions, heldOut } = stage.monitors;
  const problems = [heldOut?.rewardModel ?? []]
    .flat()
    .filter((wanted) => !rewardModels.includes(wanted))
    .map(
      (wanted) =>
        `name heldOut.rewardModel "${wanted}", which is not an earlier reward stage (${rewardModels.join(', ') || 'there is none'})`,
    );
  const goesBack = [action, ...Object.values(actions)].includes('rollback');
  if (goesBack && !heldOut && !stage.prompts.sandbox) {
    problems.push('go back to the best policy by a held-out reward, and there is none; give heldOut');
  }
  return problems;
}

async function recordBaseModel(run: RunFolder, recipe: RunRecipe): Promise<void> {
  if (!recipe.model) return;
  const { config, parameters, head } = await loadModelFolder(recipe.model.path);
  expectHead(head, 'causal', `model.path ${recipe.model.path}`);
  await run.recordInputs([
    {
      kind: 'model',
      name: 'base model',
      path: recipe.model.path,
      hash: parameters.hash(),
      parameters: parameters.count,
      note: `${config.family}, ${config.layers} layers of width ${config.width}`,
    },
  ]);
}

/** One sentence for the head of the report. */
function outcomeOf(finished: readonly FinishedStage[]): string {
  const told = finished.at(-1)?.result.outcome;
  if (typeof told === 'string') return told;
  const evaluation = finished.findLast(({ type }) => type === 'evaluate')?.result;
  const means = Object.entries((evaluation?.means ?? {}) as Record<string, number | null>);
  const measured = means.filter((entry): entry is [string, number] => entry[1] !== null);
  if (measured.length < 2) return `All ${finished.length} stages finished.`;
  const steps = measured.map(([name, mean]) => `${name} ${mean.toFixed(3)}`).join(' → ');
  return `${String(evaluation?.headline)} on ${String(evaluation?.prompts)} held-out prompts: ${steps}.`;
}
