import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { LedgerHead } from '../../store/index.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';

interface VerifyFlags {
  readonly store: string;
  readonly head?: LedgerHead[];
  readonly run?: string[];
}

/** `tenet label verify`: has anything in the ledger been changed? */
export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check that nothing in the ledger was changed')
    .description(
      'Computes the hash chain anew and names the first event that is not as it was appended. The chain alone cannot ' +
        'show that events were cut off its end, or that all of it was written anew: for that, give a head that was ' +
        'noted elsewhere, or a run that learned from the labels. Exit code 1 when something is wrong.',
    )
    .addOption(storeOption())
    .option(
      '--head <n:hash>',
      'the ledger must contain this head, as printed earlier; can be repeated',
      addHead,
    )
    .option(
      '--run <folder>',
      'the ledger must contain the labels that this run learned from; can be repeated',
      add,
    )
    .action(async ({ store: url, head = [], run = [] }: VerifyFlags, command: Command) => {
      const { openStore } = await import('../../store/index.ts');
      const { TenetError } = await import('../../base/index.ts');
      const store = await openStore(url, { mustExist: true });
      try {
        const noted = [...head, ...(await headsOfRuns(run, store.url))];
        const check = await store.ledger.verify(noted);
        if (!check.ok) {
          throw new TenetError(
            'store',
            `the ledger in ${store.url} is broken at event ${check.seq}${check.id === null ? '' : ` (${check.id})`}: ` +
              `${check.reason}. ${intact(check.intact)}`,
            { details: { ...check } },
          );
        }
        const { count, hash } = check.head;
        if (globalOptions(command).json) {
          process.stdout.write(`${JSON.stringify({ type: 'label-verify', url: store.url, ...check })}\n`);
          return;
        }
        const events = `${count.toLocaleString('en-US')} ${count === 1 ? 'event' : 'events'}`;
        const heads =
          noted.length === 0
            ? ''
            : `, and contains the ${noted.length === 1 ? 'head' : `${noted.length} heads`} noted earlier`;
        process.stdout.write(
          `${store.url}: ${events}, the chain is intact${heads}.\n` +
            `Its head is ${count}:${hash}\n` +
            'Note it where nobody who can write to the ledger can change it, and check it with --head.\n',
        );
        if (check.missingGuards.length > 0) {
          process.stderr.write(
            `warning: the database no longer refuses changes: ${check.missingGuards.join(', ')} ` +
              `${check.missingGuards.length === 1 ? 'is' : 'are'} missing.\n`,
          );
        }
      } finally {
        await store.close();
      }
    });
}

function intact(events: number): string {
  if (events === 0) return 'No event before it is intact.';
  return events === 1
    ? 'The one event before it is intact.'
    : `The ${events.toLocaleString('en-US')} events before it are intact.`;
}

/** @param url the ledger to hold them against; what stands in a run's own ledger is nothing to another */
async function headsOfRuns(folders: readonly string[], url: string): Promise<LedgerHead[]> {
  if (folders.length === 0) return [];
  const { readManifest } = await import('../../run/index.ts');
  const { TenetError } = await import('../../base/index.ts');
  const heads: LedgerHead[] = [];
  for (const folder of folders) {
    const all = (await readManifest(folder)).inputs.flatMap(({ labels }) => labels ?? []);
    const own = join(resolve(folder), 'ledger.db');
    const labels = all.filter((one) => one.url === url || one.url !== own);
    if (all.length > 0 && labels.length === 0) {
      throw new TenetError(
        'usage',
        `run ${folder} learned from the labels in its own ledger; check that: --store ${own}`,
      );
    }
    if (labels.length === 0) {
      throw new TenetError('usage', `run ${folder} learned from no labels of a ledger; leave --run out.`);
    }
    heads.push(...labels.map(({ digest }) => digest.head));
  }
  return heads;
}

function addHead(value: string, previous: LedgerHead[] = []): LedgerHead[] {
  const match = /^(\d+):(sha256:[0-9a-f]{64})$/.exec(value);
  if (!match)
    throw new InvalidArgumentError('Write a head as "tenet label verify" prints it: 1200:sha256:….');
  return [...previous, { count: Number(match[1]), hash: match[2] }];
}

function add(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
