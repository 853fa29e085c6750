import { Command } from 'commander';
import { dim, plural } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';

interface ExportFlags {
  readonly store: string;
  readonly project: string;
}

/** `tenet guard export`: what people said about a guard's cases becomes its training data. */
export function exportCommand(): Command {
  return new Command('export')
    .summary('write judged blocks, near misses and appeals as training data')
    .description(
      'Writes what people have judged of a guard’s cases as data for "tenet guard train": messages, response, ' +
        'label (harmful or harmless), principle. Where an adjudicator decided, that counts, else most votes. Beside the ' +
        'file stands <file>.ledger.json, which names the labels it was made of, for "tenet trace".\n\n' +
        'People judge with "tenet label work" or in the web app ("tenet serve").',
    )
    .argument('<file>', 'file to write: .jsonl or .json, each also with .gz')
    .addOption(storeOption())
    .option('-p, --project <name>', 'the project that the guard’s policy names', 'guard')
    .action(async (file: string, flags: ExportFlags, self: Command) => {
      const [{ exportCases }, { openStore }] = await Promise.all([
        import('../../guard/index.ts'),
        import('../../store/index.ts'),
      ]);
      const store = await openStore(flags.store, { mustExist: true });
      try {
        const { project } = flags;
        const { rows, harmful, labels } = await exportCases(store, project, file);
        const { events } = labels.digest;
        process.stdout.write(
          globalOptions(self).json
            ? `${JSON.stringify({ type: 'guard-export', file, project, rows, harmful, harmless: rows - harmful, labels: events })}\n`
            : `${file}: ${plural(rows, 'case')} (${harmful} harmful, ${rows - harmful} harmless) of ${plural(events, 'label')}\n` +
                `${dim(`${file}.ledger.json says which`)}\n`,
        );
      } finally {
        await store.close();
      }
    });
}
