/** Executes a recipe: its stages in order, each once, inside a run folder. */
import { TenetError } from '../base/index.ts';
import { loadModelFolder } from '../model/index.ts';
import { removeCheckpoints } from '../train/index.ts';
import { checkOrder } from './check-order.ts';
import type { InputRecord } from './manifest.ts';
import { removeBestWeights } from './monitoring/best-weights.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { writeReport } from './report.ts';
import { openRunFolder } from './run-folder.ts';
import type { RunRecipe, StageRecipe } from './run-recipe.ts';
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
  // Before the run folder: with a wrong model no run begins, and none is deleted for it.
  const baseModel = recipe.model && (await readBaseModel(recipe.model.path));
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
    if (baseModel) await run.recordInputs([baseModel]);
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

/** The base model as an input of the run. */
async function readBaseModel(path: string): Promise<InputRecord> {
  const { config, parameters, head } = await loadModelFolder(path);
  expectHead(head, 'causal', `model.path ${path}`);
  return {
    kind: 'model',
    name: 'base model',
    path,
    hash: parameters.hash(),
    parameters: parameters.count,
    note: `${config.family}, ${config.layers} layers of width ${config.width}`,
  };
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
