/** Flags that say what screens and what is done about it, the same in every command that guards a model. */
import type { Command } from 'commander';
import type { GuardPolicy, OpenGuardOptions } from '../guard/index.ts';
import { share, unit } from './flag-values.ts';

export interface GuardFlags {
  readonly guard?: string;
  readonly policy?: string;
  readonly refusalRate?: number;
  readonly int8?: boolean;
  readonly threads?: number;
  readonly threshold?: number;
  readonly shadow?: boolean;
  readonly failOpen?: boolean;
  readonly audit?: string;
}

/** Adds the flags of trained guards, and those that stand in for a policy. */
export function addGuardFlags(command: Command): Command {
  return command
    .optionsGroup('A guard that was trained:')
    .option('--refusal-rate <share>', 'share of harmless traffic that it may refuse (default: 0.01)', share)
    .option('--int8', 'compute its products with weights in 8 bits: faster, nearly as exact')
    .optionsGroup('In place of what the policy of a guard says by default:')
    .option('--threshold <score>', 'score from which conversations and answers are blocked', unit)
    .option('--shadow', 'screen and record, but let everything pass')
    .option('--fail-open', 'let pass unscreened what the guard fails on, in place of an error')
    .option('--audit <file>', 'append a line for every request to this file; texts only as hashes');
}

/** The policy, with what the flags put in place of its defaults. @param command whose flags they are */
export async function policyOf(flags: GuardFlags, command: Command): Promise<GuardPolicy> {
  const { readPolicy, toPolicy } = await import('../guard/index.ts');
  const given = flags.policy === undefined ? toPolicy() : await readPolicy(flags.policy);
  const { threshold, shadow, failOpen, audit } = flags;
  const thresholds = threshold === undefined ? {} : { input: threshold, output: threshold };
  return {
    ...given,
    defaults: {
      ...given.defaults,
      ...(threshold !== undefined && { thresholds: { ...given.defaults.thresholds, ...thresholds } }),
      ...(shadow && { mode: 'shadow' as const }),
      ...(failOpen && { failure: 'open' as const }),
    },
    ...(audit !== undefined && { audit: { content: 'hash' as const, ...given.audit, file: audit } }),
    ...(command.getOptionValueSource('store') === 'cli' &&
      !given.ledger && { ledger: toPolicy({ ledger: {} }).ledger }),
  };
}

/**
 * Which guards screen, and how they are opened.
 * @throws TenetError('usage') where both the policy and `--guard` say it, and for flags of trained guards with the keywords
 */
export async function guardsOf(
  flags: GuardFlags,
  { cascade }: GuardPolicy,
  command: Command,
): Promise<{ readonly name: string; readonly options: OpenGuardOptions }> {
  if (cascade && command.getOptionValueSource('guard') === 'cli') {
    const { TenetError } = await import('../base/error.ts');
    throw new TenetError('usage', 'The policy has a cascade, which says what screens: leave --guard out.');
  }
  const { refusalRate, threads, int8 } = flags;
  const options = { refusalRate, threads, inThread: true, ...(int8 && { precision: 'int8' as const }) };
  const name = flags.guard && (await (await import('../run/find-guard.ts')).findGuard(flags.guard));
  if (name !== undefined && name !== 'keywords') return { name, options };
  if (!cascade) await expectNoTrainedFlags(flags);
  return { name: 'keywords', options };
}

/**
 * The keywords have no thresholds for shares of traffic and no weights: who asks for them would be guarded otherwise than
 * they think.
 * @throws TenetError('usage') for flags that only trained guards follow
 */
export async function expectNoTrainedFlags(flags: {
  readonly refusalRate?: number;
  readonly int8?: boolean;
  readonly answers?: string;
}): Promise<void> {
  const { refusalRate, int8, answers } = flags;
  const given = [
    ...(refusalRate === undefined ? [] : [`--refusal-rate ${refusalRate}`]),
    ...(int8 ? ['--int8'] : []),
    ...(answers === undefined ? [] : [`--answers ${answers}`]),
  ];
  if (given.length === 0) return;
  const { TenetError } = await import('../base/error.ts');
  throw new TenetError(
    'usage',
    `${given.join(' and ')} is for trained guards, and the keywords are none: name the folder of a guard, or leave it out. ` +
      'The keywords block from a score, which the thresholds say.',
  );
}

/** What is to be said of a mode that does not enforce. */
export function modeNote({ defaults }: GuardPolicy): string {
  if (defaults.mode === 'shadow')
    return 'Shadow mode: everything passes; what would have been blocked is only recorded.\n';
  return defaults.mode === 'off' ? 'Mode off: nothing is screened but what rules of the policy say.\n' : '';
}
