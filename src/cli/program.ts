/** Puts the commands together: groups, global options, and help that reads the same everywhere. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { commandGroups } from './commands.ts';

/** The whole command line, ready to parse. Wrong use is thrown as CommanderError instead of ending the process. */
export function buildProgram(): Command {
  const program = new Command('tenet')
    .description('Align language models with RLHF and Constitutional AI, on your own machine.')
    .version(version(), '-v, --version', 'print the version')
    .option('--json', 'print JSON, one object per line, for other programs')
    .option('--debug', 'print the stack of an error')
    .helpOption('-h, --help', 'show help')
    .commandsGroup('Help:')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help to see what goes)')
    .exitOverride()
    .usage('<command> [options]');
  for (const [heading, commands] of Object.entries(commandGroups)) {
    for (const create of commands) {
      const command = create().helpGroup(`${heading}:`);
      inherit(command, program);
      program.addCommand(command);
    }
  }
  program.addHelpText('after', '\nDocumentation and recipes: the docs and recipes folders of the package.');
  return program;
}

function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent).helpOption('-h, --help', 'show help');
  for (const child of command.commands) inherit(child, command);
}

function version(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
