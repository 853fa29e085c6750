import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';

/** `tenet doctor`: says whether this machine can run Tenet, and what to do where it cannot. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('check whether this machine is ready')
    .description(
      'Checks Node, ONNX Runtime (by computing something), cores, memory, disk and graphics processors, ' +
        'each with the fix where something is wrong. Exit code 1 when Tenet cannot run here.',
    )
    .option('--folder <path>', 'folder whose disk is checked', '.')
    .action(async ({ folder }: { folder: string }, command: Command) => {
      const { runChecks } = await import('../doctor/checks.ts');
      const { formatCheck } = await import('../doctor/format-check.ts');
      const { json } = globalOptions(command);
      let failed = false;
      for await (const check of runChecks(folder)) {
        failed ||= check.status === 'failed';
        process.stdout.write(`${json ? JSON.stringify({ type: 'check', ...check }) : formatCheck(check)}\n`);
      }
      process.exitCode = failed ? 1 : 0;
    });
}
