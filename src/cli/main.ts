#!/usr/bin/env node
/** The `tenet` command. Starts fast: whatever is heavy is loaded inside the command that needs it. */
import { CommanderError } from 'commander';
import { exitCodeOf } from '../base/error.ts';
import { explainFileError } from '../base/file-error.ts';
import { loadTrainHelp } from './commands/train.ts';
import { askToStop } from './interrupt.ts';
import { loadOptionsHelp } from './option-set.ts';
import { printError } from './print-error.ts';
import { buildProgram } from './program.ts';

const program = buildProgram();

// A reader such as `head` may close the pipe before everything is written; that is no error. A run saves first.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!askToStop()) process.exit(0);
});
process.on('uncaughtException', end);
process.on('unhandledRejection', end);

try {
  if (process.argv.some((word) => ['-h', '--help', 'help'].includes(word))) {
    if (process.argv.includes('train')) await loadTrainHelp();
    if (process.argv.some((word) => word === 'critique' || word === 'compare')) await loadOptionsHelp();
  }
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  end(error);
}

function end(thrown: unknown): void {
  const error = explainFileError(thrown);
  if (error instanceof CommanderError) {
    // Commander has printed already: help and version (exit code 0), or what was wrong with the call.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const { json = false, debug = false } = program.opts<{ json?: boolean; debug?: boolean }>();
  printError(error, { json, debug });
  process.exitCode = exitCodeOf(error);
  // Worker threads of a failed command must not keep the process alive.
  setTimeout(() => process.exit(), 1000).unref();
}
