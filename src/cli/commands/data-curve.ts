import { Command, InvalidArgumentError } from 'commander';
import type { CurveOptions } from '../evaluate/measure-curve.ts';
import { collect, count, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';

/** `tenet data curve`: how much more feedback a wanted accuracy takes. */
export function curveCommand(): Command {
  return new Command('curve')
    .summary('say how much more feedback a reward model needs')
    .description(
      'Trains reward models on growing parts of the comparisons, measures all of them on the same held-out ones, fits a power ' +
        'law to their accuracy, and says what more comparisons would bring. Each size is a stage of one run, which --resume ' +
        'continues; what each was trained on lies beside it, in a folder that ends with -parts.',
    )
    .requiredOption('-m, --model <folder>', 'model to start from: folder or run')
    .requiredOption('-d, --data <file...>', 'comparisons or rankings')
    .option('--test <share>', 'part of the prompts that is held out', share, 0.25)
    .option(
      '--sizes <list>',
      'comparisons to train on, such as 100,200,400 (default: doubling up to all)',
      sizes,
    )
    .option('--repeats <n>', 'models of each size, on different parts', count, 1)
    .option('--accuracy <a>', 'say what this accuracy would take, such as 0.75', share)
    .option('--seed <n>', 'same seed, same parts', wholeNumber, 0)
    .option('-o, --output <folder>', 'run folder', 'runs/data-curve')
    .option('-s, --set <option=value>', 'override an option of the reward stage; may be repeated', collect)
    .option('--resume', 'continue the run that is in the run folder, with the same flags')
    .option('--overwrite', 'delete the run that is in the run folder and start again')
    .action(run)
    .addHelpText('after', '\nExample:\n  tenet data curve -m runs/sft -d comparisons.jsonl --accuracy 0.75');
}

async function run(flags: CurveOptions, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const { measureCurve, showCurve } = await import('../evaluate/measure-curve.ts');
  const curve = await measureCurve(flags, { json });
  process.stdout.write(
    json ? `${JSON.stringify({ type: 'data-curve', ...curve.plain })}\n` : showCurve(curve),
  );
}

function share(value: string): number {
  const parsed = Number(value);
  if (!(parsed > 0 && parsed < 1)) throw new InvalidArgumentError('Give a number between 0 and 1.');
  return parsed;
}

function sizes(value: string): number[] {
  const parsed = value.split(',').map(Number);
  if (parsed.length < 3 || !parsed.every((size) => Number.isInteger(size) && size > 0)) {
    throw new InvalidArgumentError('Give three whole numbers or more, such as 100,200,400.');
  }
  return parsed;
}
