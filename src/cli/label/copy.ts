import { Command } from 'commander';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';

/** `tenet label copy`: a store moves to another database. */
export function copyCommand(): Command {
  return new Command('copy')
    .summary('move a store to another database')
    .description(
      'Copies ledger, cached answers and queues as they are into a new file or an empty database, such as from SQLite ' +
        'to PostgreSQL, and checks the copied chain. All or nothing. Stop whatever writes to the store first.',
    )
    .argument('<to>', 'new file, or postgres://user@host/database')
    .addOption(storeOption())
    .action(async (to: string, { store: from }: { store: string }, command: Command) => {
      const { copyStore, openStore } = await import('../../store/index.ts');
      const source = await openStore(from, { mustExist: true });
      try {
        const target = await openStore(to);
        try {
          const rows = await copyStore(source, target);
          const { json } = globalOptions(command);
          const words = Object.entries(rows)
            .filter(([, count]) => count > 0)
            .map(([table, count]) => `${count.toLocaleString('en-US')} ${table}`);
          process.stdout.write(
            json
              ? `${JSON.stringify({ type: 'label-copy', from: source.url, to: target.url, rows })}\n`
              : `${target.url}: ${words.join(', ') || 'nothing was there to copy'}; the chain is intact.\n`,
          );
        } finally {
          await target.close();
        }
      } finally {
        await source.close();
      }
    });
}
