import { Command } from 'commander';
import type { ReplayedStage } from '../../run/monitoring/replay.ts';
import type { StageCurves } from '../../run/overoptimisation.ts';
import { globalOptions } from '../global-options.ts';

/** `tenet monitor <run-folder>`: alarms of a run under other options, and how its held-out reward turned. */
export function monitorCommand(): Command {
  return new Command('monitor')
    .summary('ask monitors again about a run')
    .description(
      'Shows what monitors saw in a run, and what would have been an alarm with other options, without training again: ' +
        'every stage keeps what its monitors were shown. Then how the held-out reward rose and fell with the divergence ' +
        'from the reference, with the forms of Gao et al. 2023 fitted. Works during a run too.',
    )
    .argument('<run-folder>', 'folder of the run, such as runs/quickstart')
    .option(
      '--set <option=value>',
      'an option of monitors, such as window=5 or thresholds.share=0.05; may be repeated',
      (value: string, before: readonly string[]) => [...before, value],
      [] as readonly string[],
    )
    .addHelpText(
      'after',
      '\nExamples:\n  tenet monitor runs/quickstart\n  tenet monitor runs/quickstart --set thresholds.klBudget=5 --set raiseAfter=1\n',
    )
    .action(async (runFolder: string, { set }: { readonly set: readonly string[] }, command: Command) => {
      const [{ replayMonitors }, { stageCurves }, { readEvents }, { parseRecipe }, { monitorOptions }] =
        await Promise.all([
          import('../../run/monitoring/replay.ts'),
          import('../../run/overoptimisation.ts'),
          import('../../run/records.ts'),
          import('../../run/recipe.ts'),
          import('../../monitor/index.ts'),
        ]);
      const options = parseRecipe('{}', { schema: monitorOptions, file: 'monitors', folder: '.', set });
      const stages = await replayMonitors(runFolder, options.value);
      const events = await readEvents(runFolder);
      const names = [...new Set(events.map(({ stage }) => stage))];
      const curves = names.flatMap((stage) => stageCurves(stage, events) ?? []);
      if (globalOptions(command).json) {
        process.stdout.write(`${JSON.stringify({ type: 'monitor', stages, curves })}\n`);
        return;
      }
      process.stdout.write(`${(await describe(stages, curves)).join('\n')}\n`);
    });
}

async function describe(stages: readonly ReplayedStage[], curves: readonly StageCurves[]): Promise<string[]> {
  const { describeCurve } = await import('../../run/overoptimisation.ts');
  const { formatNumber } = await import('../../run/progress-format.ts');
  if (stages.length === 0) return ['No stage of this run was watched.'];
  const lines = stages.flatMap(({ stage, steps, alarms }) => [
    `${stage}: ${alarms.length === 0 ? 'no alarm' : alarms.length === 1 ? 'one alarm' : `${alarms.length} alarms`} in ${steps} steps`,
    ...alarms.flatMap(({ step, detector, what, cause, remedy }) => [
      `  step ${step}  ${detector}: ${what}.`,
      `    cause   ${cause}`,
      `    remedy  ${remedy}`,
    ]),
  ]);
  const fits = curves.flatMap(({ stage, curves: both }) =>
    both.map((curve) => `${stage}, ${curve.name}: ${describeCurve(curve, formatNumber)}`),
  );
  return fits.length > 0 ? [...lines, '', ...fits] : lines;
}
