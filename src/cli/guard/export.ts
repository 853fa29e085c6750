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
      'Writes what people have judged of a guard’s cases as data for "tenet guard train --data": messages, response, ' +
        'label (harmful or harmless), principle. Where an adjudicator decided, that counts, else most votes. Beside the ' +
        'file stands <file>.ledger.json, which names the labels it was made of, for "tenet trace".\n\n' +
        'People judge with "tenet label work" or in the web app ("tenet serve").',
    )
    .argument('<file>', 'file to write: .jsonl or .json, each also with .gz')
    .addOption(storeOption())
    .option('-p, --project <name>', 'the project that the guard’s policy names', 'guard')
    .action(async (file: string, flags: ExportFlags, self: Command) => {
      const [
        { guardRecords },
        { labelFilter },
        { openStore, selectFromLedger, writeSelectionFile },
        { writeRecords },
        { TenetError },
      ] = await Promise.all([
        import('../../guard/index.ts'),
        import('../../feedback/index.ts'),
        import('../../store/index.ts'),
        import('../../data/index.ts'),
        import('../../base/error.ts'),
      ]);
      const store = await openStore(flags.store, { mustExist: true });
      try {
        const { project } = flags;
        const selection = await selectFromLedger(store, labelFilter(project));
        if (selection.digest.events === 0) {
          throw new TenetError(
            'usage',
            `nobody has judged a case of project ${project} yet. Judge with: tenet label work --project ${project}`,
          );
        }
        let harmful = 0;
        const rows = await writeRecords(
          file,
          (async function* () {
            for await (const record of guardRecords(store, project)) {
              if (record.label === 'harmful') harmful++;
              yield record;
            }
          })(),
        );
        await writeSelectionFile(file, selection);
        const { events } = selection.digest;
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
