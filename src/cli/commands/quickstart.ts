import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';
import { freeFolder, newestRun } from '../numbered-folder.ts';

interface QuickstartOptions {
  readonly output?: string;
  readonly seed?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

/** `tenet quickstart`: the whole of RLHF in the sandbox world, offline, in a few minutes. */
export function quickstartCommand(): Command {
  return new Command('quickstart')
    .summary('the whole of RLHF in a small world, offline, in minutes')
    .description(
      'Pre-trains a small model on an invented world, fine-tunes it, collects rankings from simulated annotators, ' +
        'trains a reward model, runs PPO, and measures each step against the world’s exact gold reward.',
    )
    .option(
      '-o, --output <folder>',
      'run folder (default: runs/quickstart, or the next free number; with --resume the one worked on last)',
    )
    .option('--seed <number>', 'seed of the run (default: the recipe’s)')
    .option('--resume', 'continue the run that is in the run folder')
    .option('--overwrite', 'delete the run that is in the run folder and start again')
    .action(async (options: QuickstartOptions, command: Command) => {
      const { json } = globalOptions(command);
      const [{ readRecipe }, { recipeSchema }, { runRecipe, stageShortcuts }] = await Promise.all([
        import('../../run/recipe.ts'),
        import('../../run/run-recipe.ts'),
        import('../run-recipe-file.ts'),
      ]);
      const file = fileURLToPath(new URL('../../../recipes/quickstart.yaml', import.meta.url));
      const set = options.seed === undefined ? [] : [`seed=${options.seed}`];
      const recipe = await readRecipe(file, { schema: recipeSchema, set, shortcuts: stageShortcuts });
      const usual = join('runs', 'quickstart');
      const runFolder = options.output ?? (options.resume ? newestRun(usual) : freeFolder(usual));
      await runRecipe({ recipe, name: 'quickstart', runFolder, flags: options, json });
    });
}
