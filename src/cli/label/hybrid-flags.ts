/** The options of commands that share labelling between a judge and people. */
import { type Command, InvalidArgumentError } from 'commander';
import type { HybridOptions } from '../../feedback/index.ts';
import type { Store } from '../../store/index.ts';
import { count, notNegative, wholeNumber } from '../flag-values.ts';
import { storeOption } from '../store-option.ts';

export interface HybridFlags {
  readonly store: string;
  readonly job?: string;
  readonly calibration?: number;
  readonly target?: number;
  readonly delta?: number;
  readonly high?: number;
  readonly low?: number;
  readonly auditRate?: number;
  readonly overlap?: number;
  readonly ratePerHour?: number;
  readonly secondsPerLabel?: number;
  readonly seed: number;
}

export function withHybridFlags(command: Command): Command {
  return command
    .addOption(storeOption())
    .option('--job <name>', 'the comparison job whose labels are used (default: the newest in the store)')
    .option('--calibration <n>', 'items that people label first, to measure the judge (default: 200)', count)
    .option(
      '--target <share>',
      'the judge labels alone where people agree with it so often (default: 0.85)',
      share,
    )
    .option('--delta <p>', 'probability with which that may fail (default: 0.1)', share)
    .option(
      '--high <confidence>',
      'the judge labels alone from here on, instead of where --target says',
      share,
    )
    .option(
      '--low <confidence>',
      'people label alone below it (default: where they agree less than 0.6)',
      share,
    )
    .option('--audit-rate <share>', 'part of the judge’s own labels that people audit (default: 0.05)', share)
    .option('--overlap <n>', 'people who label an item that people label (default: 1)', count)
    .option('--rate-per-hour <dollars>', 'what an hour of an annotator costs (default: 30)', notNegative)
    .option('--seconds-per-label <s>', 'of a person (default: the median measured, else 37)', notNegative)
    .option('--seed <n>', 'of the sample and the audits', wholeNumber, 0);
}

/** @throws TenetError('usage') for options that do not go */
export async function hybridOptionsOf(flags: HybridFlags): Promise<HybridOptions> {
  const [{ hybridOptions }, { TenetError }, { z }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../base/error.ts'),
    import('zod'),
  ]);
  const given = Object.keys(hybridOptions.shape)
    .map((key) => [key, flags[key as keyof HybridFlags]] as const)
    .filter(([, value]) => value !== undefined);
  const parsed = hybridOptions.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new TenetError('usage', z.prettifyError(parsed.error));
  return parsed.data;
}

/** @throws TenetError('usage') where there is none, or not this one */
export async function chooseJob(store: Store, given: string | undefined): Promise<string> {
  const [{ compareJobs }, { TenetError }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../base/error.ts'),
  ]);
  const jobs = await compareJobs(store);
  if (jobs.length === 0) {
    throw new TenetError(
      'usage',
      `${store.url} has no labels by a judge yet. Make some with: tenet compare --judge MODEL --data FILE`,
    );
  }
  if (given === undefined) return jobs[0];
  if (jobs.includes(given)) return given;
  throw new TenetError(
    'usage',
    `${store.url} has no job "${given}". Known, newest first: ${jobs.join(', ')}.`,
  );
}

export function share(value: string): number {
  const parsed = Number(value);
  if (value.trim() === '' || !(parsed >= 0 && parsed <= 1))
    throw new InvalidArgumentError('Give a number from 0 to 1.');
  return parsed;
}
