import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';

/** `tenet report <run-folder>`: writes the report of a run again from the run folder's files. */
export function reportCommand(): Command {
  return new Command('report')
    .summary('write report.html of a run')
    .description(
      'Writes report.html from the files of a run folder: what went in, learning curves, samples before and ' +
        'after, evaluation, warnings. One file that opens in a browser without a network. Works during a run too.',
    )
    .argument('<run-folder>', 'folder of the run, such as runs/quickstart')
    .action(async (runFolder: string, _options: unknown, command: Command) => {
      const { writeReport } = await import('../../run/report.ts');
      const path = await writeReport(runFolder);
      const { json } = globalOptions(command);
      process.stdout.write(json ? `${JSON.stringify({ type: 'report', path })}\n` : `${path}\n`);
    });
}
