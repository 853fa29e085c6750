import { Command, Option } from 'commander';
import type { ImportOptions, LabelsImported } from '../../feedback/index.ts';
import { dim, plural } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { usualProject } from './project.ts';

interface ImportFlags {
  readonly store: string;
  readonly project: string;
  readonly annotator?: string;
  readonly judge: NonNullable<ImportOptions['judge']>;
  readonly guideline?: string;
}

/** `tenet label import`: labels that were made elsewhere. */
export function importCommand(): Command {
  return new Command('import')
    .summary('take labels that were made elsewhere into the ledger')
    .description(
      'Reads rankings, preferences and transcripts in any format that "tenet data check" knows, such as what "tenet label export ' +
        '--as labels" writes. Each row is one label. Labels of the same responses are labels of one task, so that agreement and ' +
        'reliability are measured as on those made here. Rows may say: annotator, judge, group, flags, rationale, shownOrder, ' +
        'activeMs, judgedAt, adjudicated, guidelineVersion, models, category, key. The same rows again change nothing.',
    )
    .argument('<files...>', 'data files')
    .addOption(storeOption())
    .option('-p, --project <name>', 'the project that the labels belong to', usualProject)
    .option('--annotator <id>', 'who made the labels of rows that do not say')
    .addOption(
      new Option('--judge <kind>', 'what made the labels of rows that do not say')
        .choices(['human', 'ai', 'simulated'])
        .default('human'),
    )
    .option('--guideline <version>', 'version of the guideline that they were made by')
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet label import labels.parquet --project kindness\n' +
        '  tenet label import hh-train.jsonl.gz --annotator hh --project hh',
    );
}

async function run(files: string[], flags: ImportFlags, self: Command): Promise<void> {
  const [{ importLabels }, { openStore }, { readRecords }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
    import('../../data/index.ts'),
  ]);
  const { json } = globalOptions(self);
  const { project, annotator, judge, guideline } = flags;
  const options = {
    judge,
    ...(annotator !== undefined && { annotator }),
    ...(guideline !== undefined && { guidelineVersion: guideline }),
  };
  const store = await openStore(flags.store);
  const total: LabelsImported = { rows: 0, labels: 0, known: 0, repeated: 0, unjudged: 0 };
  try {
    for (const file of files) {
      const rows = readRecords(file);
      const imported = await importLabels(store, project, rows, options, ({ rows: done }) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${plural(total.rows + done, 'row')} read`);
      });
      for (const name of Object.keys(total) as (keyof LabelsImported)[]) total[name] += imported[name];
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    await store.close();
  }
  process.stdout.write(
    json
      ? `${JSON.stringify({ type: 'label-import', store: store.url, project, ...total })}\n`
      : show(total, project, store.url),
  );
}

function show({ labels, known, repeated, unjudged }: LabelsImported, project: string, url: string): string {
  const notes = [
    ...(known > 0 ? [`${plural(known, 'label')} had been imported before`] : []),
    ...(repeated > 0
      ? [`${plural(repeated, 'row')} left out: the annotator has another label of the same responses`]
      : []),
    ...(unjudged > 0 ? [`${plural(unjudged, 'row')} left out: nothing in them is judged`] : []),
  ];
  return (
    `${plural(labels, 'label')} imported into project ${project} of ${url}\n` +
    notes.map((note) => `  ${note}\n`).join('') +
    dim(`Look at them with: tenet label quality --project ${JSON.stringify(project)}\n`)
  );
}
