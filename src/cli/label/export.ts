import { Command, Option } from 'commander';
import type { LabelForm } from '../../feedback/index.ts';
import { dim, plural } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { chooseProject, projectOption } from './project.ts';

interface ExportFlags {
  readonly store: string;
  readonly project?: string;
  readonly as: LabelForm;
  readonly weights: 'equal' | 'reliability';
}

/** `tenet label export`: labels become a data file. */
export function exportCommand(): Command {
  return new Command('export')
    .summary('write labels as a data file for training')
    .description(
      'Writes the labels that stand, corrections applied: one ranking for each task with soft labels (tasks), its pairs (pairs), ' +
        'each response that is better or worse than the others (unpaired), pairs as transcripts like those of hh-rlhf (hh), or ' +
        'every single label with its annotator (labels). Where an adjudicator has decided, that counts. Beside the file stands ' +
        '<file>.ledger.json, which names the labels it was made of, for "tenet trace".',
    )
    .argument('<file>', 'file to write: .jsonl, .json or .csv, each also with .gz, or .parquet')
    .addOption(storeOption())
    .addOption(projectOption())
    .addOption(
      new Option('--as <form>', 'what a row is')
        .choices(['tasks', 'pairs', 'unpaired', 'hh', 'labels'] satisfies LabelForm[])
        .default('tasks'),
    )
    .addOption(
      new Option(
        '--weights <how>',
        'what labels count in soft labels: all the same, or by how reliable their annotators are, as "tenet label quality" says',
      )
        .choices(['equal', 'reliability'] satisfies ExportFlags['weights'][])
        .default('equal'),
    )
    .action(async (file: string, flags: ExportFlags, self: Command) => {
      const [
        { judgedTasks, labelFilter, labelRecords, labelWeights },
        { openStore, SelectionRecorder, writeSelectionFile },
        { writeRecords },
        { TenetError },
      ] = await Promise.all([
        import('../../feedback/index.ts'),
        import('../../store/index.ts'),
        import('../../data/index.ts'),
        import('../../base/error.ts'),
      ]);
      if (flags.as === 'labels' && flags.weights !== 'equal') {
        throw new TenetError(
          'usage',
          '--weights reliability is for --as tasks, pairs, unpaired and hh, which put labels together; rows of --as labels are single ones.',
        );
      }
      const store = await openStore(flags.store, { mustExist: true });
      try {
        const project = await chooseProject(store, flags.project);
        // As the ledger is now, so that the file and what is noted beside it are about the same labels.
        const head = await store.ledger.head();
        const until = head.count;
        if ((await store.ledger.count({ ...labelFilter(project), until })) === 0) {
          throw new TenetError(
            'usage',
            `project ${project} has no labels to export yet. Label with: tenet label work`,
          );
        }
        const weights =
          flags.weights === 'equal' ? undefined : labelWeights(await judgedTasks(store, project, { until }));
        const recorder = new SelectionRecorder(store, labelFilter(project), head);
        const onEvent = recorder.add.bind(recorder);
        const rows = await writeRecords(
          file,
          labelRecords(store, project, { form: flags.as, weights, until, onEvent }),
        );
        const selection = recorder.result();
        await writeSelectionFile(file, selection);
        const { events } = selection.digest;
        process.stdout.write(
          globalOptions(self).json
            ? `${JSON.stringify({ type: 'label-export', file, project, form: flags.as, rows, labels: events })}\n`
            : `${file}: ${plural(rows, 'row')} of ${plural(events, 'label')}\n${dim(`${file}.ledger.json says which`)}\n`,
        );
      } finally {
        await store.close();
      }
    });
}
