/**
 * Every command, in the order and under the headings of `tenet --help`. To add one: write
 * `commands/<name>.ts` exporting a function that returns its Command, and name it here. A command file may
 * import types and small helpers only; what is heavy it imports inside its action.
 */
import type { Command } from 'commander';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';

export const commandGroups: Readonly<Record<string, readonly (() => Command)[]>> = {
  'Align a model': [quickstartCommand, runCommand],
  'Prepare data': [dataCommand],
  'Look at results': [reportCommand],
  'Your machine': [doctorCommand],
};
