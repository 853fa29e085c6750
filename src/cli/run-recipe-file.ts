/** Runs a recipe from the command line: checks its files, shows progress, prints the outcome. */
import { join, resolve } from 'node:path';
import type { Recipe } from '../run/recipe.ts';
import type { RunRecipe } from '../run/run-recipe.ts';
import type { MlflowSink } from '../run/sinks/mlflow.ts';
import { severalDisplays } from '../run/sinks/several.ts';
import { TensorBoardSink } from '../run/sinks/tensorboard.ts';
import { interruptSignal } from './interrupt.ts';
import type { RunFlags } from './run-flags.ts';

export interface RunRecipeOptions {
  readonly recipe: Recipe<RunRecipe>;
  /** Name of the run, for reports. */
  readonly name: string;
  readonly runFolder: string;
  readonly flags?: Omit<RunFlags, 'output' | 'set'>;
  readonly json: boolean;
}

/**
 * Runs it in a worker thread; the summary goes to standard output, progress to standard error. With
 * `dryRun` only the plan is printed and nothing is written.
 */
export async function runRecipe(options: RunRecipeOptions): Promise<void> {
  const runFolder = await runToEnd(options);
  if (runFolder === null) return;
  const { printSummary } = await import('./print-summary.ts');
  await printSummary(runFolder, options);
}

/** Runs a recipe once for each seed, each run in a folder of its own, and prints what all of them measured. */
export async function runSeeds(
  runs: readonly (RunRecipeOptions & { readonly seed: number })[],
  { json }: Pick<RunRecipeOptions, 'json'>,
): Promise<void> {
  const runFolders: string[] = [];
  for (const run of runs) {
    if (!json) process.stderr.write(`Seed ${run.seed}: ${run.runFolder}\n`);
    const runFolder = await runToEnd(run);
    if (runFolder !== null) runFolders.push(runFolder);
  }
  if (runFolders.length === 0) return;
  const { printSeeds } = await import('./print-summary.ts');
  const seeds = runs.map(({ seed }) => seed);
  await printSeeds(runFolders, seeds, { json });
}

/** @returns the run folder, or null where only the plan was asked for */
async function runToEnd(options: RunRecipeOptions): Promise<string | null> {
  const { name, json, flags = {} } = options;
  const runFolder = resolve(options.runFolder);
  const [{ checkInputPaths }, { recipeSchema }] = await Promise.all([
    import('../run/recipe-paths.ts'),
    import('../run/run-recipe.ts'),
  ]);
  const recipe = await fromHub(options.recipe, flags.resume ? runFolder : undefined);
  // A resumed run may need only some of them; what is really missing is found where it is read.
  if (!flags.resume) await checkInputPaths(recipeSchema, recipe.value, name);
  if (flags.dryRun) {
    const { printPlan } = await import('./print-plan.ts');
    await printPlan({ recipe: recipe.value, name, runFolder, json });
    return null;
  }
  const fitted = recipe.value.memory === undefined ? recipe : await fitAndPrint(recipe, { json });
  const [{ runInWorker }, { createProgress }] = await Promise.all([
    import('../run/run-in-worker.ts'),
    import('../run/progress.ts'),
  ]);
  const shown = createProgress({ json });
  const mlflow = flags.mlflow ? await openMlflow(options, fitted.value) : null;
  const display = severalDisplays([
    shown,
    ...(flags.tensorboard ? [new TensorBoardSink(join(runFolder, 'tensorboard'))] : []),
    ...(mlflow ? [mlflow] : []),
  ]);
  try {
    const result = await runInWorker({
      recipe: fitted.value,
      resolved: fitted.resolved,
      isFitted: true,
      runFolder,
      name,
      resume: flags.resume,
      overwrite: flags.overwrite,
      signal: interruptSignal(),
      display,
    });
    return result.runFolder;
  } finally {
    display.close();
    await mlflow?.settle();
  }
}

/** @throws TenetError when the server cannot be reached, so that it shows before anything is computed */
async function openMlflow(
  { name, runFolder, json, flags = {} }: RunRecipeOptions,
  recipe: RunRecipe,
): Promise<MlflowSink> {
  const [{ MlflowSink }, { TenetError }] = await Promise.all([
    import('../run/sinks/mlflow.ts'),
    import('../base/error.ts'),
  ]);
  const url = flags.mlflow === true ? process.env.MLFLOW_TRACKING_URI : flags.mlflow;
  if (!url) {
    throw new TenetError(
      'usage',
      'MLflow has no address: say --mlflow http://localhost:5000, or set MLFLOW_TRACKING_URI.',
    );
  }
  const say = (message: string): void => void (json || process.stderr.write(`${message}\n`));
  return MlflowSink.open({
    ...{ url, recipe, runName: name, runFolder: resolve(runFolder), resume: flags.resume },
    experiment: flags.mlflowExperiment ?? process.env.MLFLOW_EXPERIMENT_NAME,
    onBegin: (page) => say(`MLflow  ${page}`),
    onTrouble: (message) => void process.stderr.write(`${message}\n`),
  });
}

/** The recipe with the files of names on the Hub, fetched where the cache lacks them. */
async function fromHub(recipe: Recipe<RunRecipe>, resumed: string | undefined): Promise<Recipe<RunRecipe>> {
  if (!recipe.resolved.includes('hub:')) return recipe;
  const [{ withHubFiles }, { recipeSchema }, { resolvedText }, { hubProgress }] = await Promise.all([
    import('../run/hub-inputs.ts'),
    import('../run/run-recipe.ts'),
    import('../run/recipe.ts'),
    import('./hub-input.ts'),
  ]);
  const value = await withHubFiles(recipeSchema, recipe.value, {
    ...hubProgress(),
    signal: interruptSignal(),
    resumed,
  });
  return { value, resolved: resolvedText(value) };
}

/** The recipe as it fits into its memory; what each stage will take goes to standard error. */
async function fitAndPrint(
  recipe: Recipe<RunRecipe>,
  { json }: { readonly json: boolean },
): Promise<Recipe<RunRecipe>> {
  const [{ fitToMemory }, { resolvedText }, { describeFit }] = await Promise.all([
    import('../run/estimate.ts'),
    import('../run/recipe.ts'),
    import('./print-plan.ts'),
  ]);
  const fit = await fitToMemory(recipe.value);
  if (json) process.stdout.write(`${JSON.stringify({ type: 'memory', stages: fit.stages })}\n`);
  else process.stderr.write(`${describeFit(fit).join('\n')}\n`);
  return { value: fit.recipe, resolved: resolvedText(fit.recipe) };
}

/** Where `--set ppo.klCoef=…` finds a stage: by its name, else its type. */
export function stageShortcuts(recipe: unknown): Record<string, (string | number)[]> {
  const { stages } = (recipe ?? {}) as { stages?: unknown };
  if (!Array.isArray(stages)) return {};
  const shortcuts: Record<string, (string | number)[]> = {};
  stages.forEach((stage: { name?: unknown; type?: unknown } | null, index) => {
    const key = stage?.name ?? stage?.type;
    if (typeof key === 'string') shortcuts[key] ??= ['stages', index];
  });
  return shortcuts;
}
