import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';

interface QuickstartOptions {
  readonly output?: string;
  readonly seed?: string;
  readonly resume?: boolean;
}

/** `tenet quickstart`: the whole of RLHF in the sandbox world, offline, in a few minutes. */
export function quickstartCommand(): Command {
  return new Command('quickstart')
    .summary('the whole of RLHF in a small world, offline, in minutes')
    .description(
      'Pre-trains a small model on an invented world, fine-tunes it, collects rankings from simulated annotators, ' +
        'trains a reward model, runs PPO, and measures each step against the world’s exact gold reward.',
    )
    .option('-o, --output <folder>', 'run folder (default: runs/quickstart, or the next free number)')
    .option('--seed <number>', 'seed of the run (default: the recipe’s)')
    .option('--resume', 'continue the run in the output folder')
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
      const runFolder = options.output ?? freeFolder(join('runs', 'quickstart'));
      await runRecipe({ recipe, name: 'quickstart', runFolder, flags: options, json });
    });
}

/** `path`, or `path-2`, `path-3` … when it is taken. */
function freeFolder(path: string): string {
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? path : `${path}-${i}`;
    if (!existsSync(candidate)) return candidate;
  }
}
