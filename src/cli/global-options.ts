/** The options that go with every command. */
import type { Command } from 'commander';

/** Options that every command has. */
export interface GlobalOptions {
  /** Print JSON for programs instead of text for people. */
  readonly json: boolean;
  /** Print the stack of an error. */
  readonly debug: boolean;
}

/** The global options as given with a command. */
export function globalOptions(command: Command): GlobalOptions {
  const { json = false, debug = false } = command.optsWithGlobals<Partial<GlobalOptions>>();
  return { json, debug };
}
