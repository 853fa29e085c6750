import { basename, join } from 'node:path';
import { Command } from 'commander';
import { seedList } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { overridesOf, type RunFlags, withRunFlags } from '../run-flags.ts';
import type { RunRecipeOptions } from '../run-recipe-file.ts';

/** `tenet run <recipe>`: everything a recipe says, from base model to report. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('run a recipe, from base model to aligned model and report')
    .description(
      'Runs the stages of a recipe in order and leaves models in Hugging Face layout and a report in the run folder. ' +
        'Ctrl-C saves and stops; --resume continues, also after a crash, to the same result as a run never stopped.',
    )
    .argument('<recipe>', 'YAML file; see the recipes folder of the package')
    .option(
      '--seeds <list>',
      'run it once for each seed, such as 1,2,3, into <run folder>-seed-<seed>, and print the means of what was measured',
      seedList,
    )
    .action(async (file: string, flags: RunFlags & { readonly seeds?: readonly number[] }, self: Command) => {
      const { json } = globalOptions(self);
      const [{ readRecipe }, { recipeSchema }, { runRecipe, runSeeds, stageShortcuts }] = await Promise.all([
        import('../../run/recipe.ts'),
        import('../../run/run-recipe.ts'),
        import('../run-recipe-file.ts'),
      ]);
      const optionsFor = async (seed?: number): Promise<RunRecipeOptions> => {
        const recipe = await readRecipe(file, {
          schema: recipeSchema,
          set: [...overridesOf(flags), ...(seed === undefined ? [] : [`seed=${seed}`])],
          shortcuts: stageShortcuts,
        });
        const name = recipe.value.name ?? basename(file).replace(/\.ya?ml$/, '');
        const runFolder = flags.output ?? recipe.value.output ?? join('runs', name);
        const suffix = seed === undefined ? '' : `-seed-${seed}`;
        return {
          ...{ recipe, name: `${name}${suffix}`, flags, json },
          runFolder: `${runFolder.replace(/\/+$/, '')}${suffix}`,
        };
      };
      if (!flags.seeds) return runRecipe(await optionsFor());
      const runs = flags.seeds.map(async (seed) => ({ seed, ...(await optionsFor(seed)) }));
      await runSeeds(await Promise.all(runs), { json });
    })
    .addHelpText('after', '\nEvery option of a recipe: docs/recipes.md, or `tenet train <method> --help`.');
  return withRunFlags(command, {
    output: 'the recipe’s output, or runs/<name>',
    example: 'ppo.klCoef=0.1 or model.path=FOLDER',
  });
}
