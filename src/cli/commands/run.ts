import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';

interface RunCommandOptions {
  readonly output?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
}

/** `tenet run <recipe>`: everything a recipe says, from base model to report. */
export function runCommand(): Command {
  return new Command('run')
    .summary('run a recipe, from base model to aligned model and report')
    .description(
      'Runs the stages of a recipe in order and leaves models in Hugging Face layout and a report in the run folder. ' +
        'Ctrl-C saves and stops; --resume continues, also after a crash, to the same result as a run never stopped.',
    )
    .argument('<recipe>', 'YAML file; see the recipes folder of the package')
    .option('-o, --output <folder>', 'run folder (default: the recipe’s output, or runs/<name>)')
    .option(
      '-s, --set <path=value>',
      'override an option, such as ppo.klCoef=0.1; may be repeated',
      (value: string, previous: readonly string[]) => [...previous, value],
      [] as readonly string[],
    )
    .option('--resume', 'continue the run that is in the run folder')
    .option('--overwrite', 'delete the run that is in the run folder and start again')
    .option('--dry-run', 'print the plan with estimates of memory and time, and stop')
    .action(async (file: string, options: RunCommandOptions, command: Command) => {
      const { json } = globalOptions(command);
      const [{ readRecipe }, { recipeSchema }, { runRecipe, stageShortcuts }] = await Promise.all([
        import('../../run/recipe.ts'),
        import('../../run/run-recipe.ts'),
        import('../run-recipe-file.ts'),
      ]);
      const recipe = await readRecipe(file, {
        schema: recipeSchema,
        set: options.set,
        shortcuts: stageShortcuts,
      });
      const name = recipe.value.name ?? basename(file).replace(/\.ya?ml$/, '');
      const runFolder = resolve(options.output ?? recipe.value.output ?? join('runs', name));
      await runRecipe({
        recipe,
        name,
        runFolder,
        resume: options.resume,
        overwrite: options.overwrite,
        json,
      });
    });
}
