/**
 * Every command, in the order and under the headings of `tenet --help`. To add one: write
 * `commands/<name>.ts` exporting a function that returns its Command, and name it here. A command file may
 * import types and small helpers only; what is heavy it imports inside its action.
 */
import type { Command } from 'commander';
import { chatCommand } from './commands/chat.ts';
import { compareCommand } from './commands/compare.ts';
import { constitutionCommand } from './commands/constitution.ts';
import { critiqueCommand } from './commands/critique.ts';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { exportCommand } from './commands/export.ts';
import { generateCommand } from './commands/generate.ts';
import { guardCommand } from './commands/guard.ts';
import { labelCommand } from './commands/label.ts';
import { monitorCommand } from './commands/monitor.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { redteamCommand } from './commands/redteam.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { traceCommand } from './commands/trace.ts';
import { trainCommand } from './commands/train.ts';

export const commandGroups: Readonly<Record<string, readonly (() => Command)[]>> = {
  'Align a model': [quickstartCommand, runCommand, trainCommand],
  'Use a model': [generateCommand, chatCommand, serveCommand, guardCommand],
  'Prepare data': [dataCommand],
  'Collect feedback': [constitutionCommand, critiqueCommand, compareCommand, labelCommand],
  'Look at results': [
    reportCommand,
    evaluateCommand,
    redteamCommand,
    monitorCommand,
    traceCommand,
    exportCommand,
  ],
  'Your machine': [doctorCommand],
};
