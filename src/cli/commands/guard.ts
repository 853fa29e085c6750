import { Command } from 'commander';
import { evaluateCommand } from '../guard/evaluate.ts';
import { exportCommand } from '../guard/export.ts';
import { generateCommand } from '../guard/generate.ts';
import { serveCommand } from '../guard/serve.ts';
import { trainCommand } from '../guard/train.ts';

/** `tenet guard …`: what screens conversations before, while and after a model answers. */
export function guardCommand(): Command {
  return new Command('guard')
    .summary('screen what goes into a model and what comes out')
    .description(
      'Guards a model: conversations are screened before they are answered, answers before they leave. Blocks, near ' +
        'misses and appeals go to people, whose judgements become training data.',
    )
    .addCommand(generateCommand())
    .addCommand(trainCommand())
    .addCommand(evaluateCommand())
    .addCommand(serveCommand())
    .addCommand(exportCommand());
}
