/** Runs a recipe from the command line: reads it, shows progress, prints the outcome. */
import type { Recipe } from '../run/recipe.ts';
import type { RunRecipe } from '../run/run-recipe.ts';
import { interruptSignal } from './interrupt.ts';

export interface RunRecipeOptions {
  readonly recipe: Recipe<RunRecipe>;
  /** Name of the run, for reports. */
  readonly name: string;
  readonly runFolder: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly json: boolean;
}

/** Runs it in a worker thread; the summary goes to standard output, progress to standard error. */
export async function runRecipe(options: RunRecipeOptions): Promise<void> {
  const [{ runInWorker }, { createProgress }, { printSummary }] = await Promise.all([
    import('../run/run-in-worker.ts'),
    import('../run/progress.ts'),
    import('./print-summary.ts'),
  ]);
  const display = createProgress({ json: options.json });
  try {
    const result = await runInWorker({
      recipe: options.recipe.value,
      resolved: options.recipe.resolved,
      runFolder: options.runFolder,
      name: options.name,
      resume: options.resume,
      overwrite: options.overwrite,
      signal: interruptSignal(),
      display,
    });
    display.close();
    await printSummary(result.runFolder, { json: options.json });
  } finally {
    display.close();
  }
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
