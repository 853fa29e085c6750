import { Command, Option } from 'commander';
import type { Agreement, SliceName } from '../../feedback/index.ts';
import { bold, dim, percent, percentInterval, plural, table, wrap } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { projectOption } from './project.ts';

interface AgreementFlags {
  readonly store: string;
  readonly project?: string;
  readonly by?: SliceName;
}

// Named here too, so that help does not load what measures them; the compiler sees that they are the same.
const slices = Object.keys({
  annotator: true,
  pair: true,
  group: true,
  category: true,
  audience: true,
  guideline: true,
  day: true,
  week: true,
  position: true,
  length: true,
  time: true,
  session: true,
} satisfies Record<SliceName, true>);

/** `tenet label agreement`: how far people agree. */
export function agreementCommand(): Command {
  return new Command('agreement')
    .summary('say how far people agree, over all or by annotator, group, day …')
    .description(
      'Compares what people said of the same pairs of responses. Labels of AI judges and decisions of adjudicators are left ' +
        'out. Intervals hold 95 %, from drawing tasks anew.',
    )
    .addOption(storeOption())
    .addOption(projectOption())
    .addOption(new Option('--by <what>', 'tell apart by this').choices(slices))
    .action(async ({ store: url, project: given, by }: AgreementFlags, self: Command) => {
      const [feedback, { openStore }, { chooseProject }, { TenetError }] = await Promise.all([
        import('../../feedback/index.ts'),
        import('../../store/index.ts'),
        import('./project.ts'),
        import('../../base/index.ts'),
      ]);
      const store = await openStore(url, { mustExist: true });
      try {
        const project = await chooseProject(store, given);
        const tasks = await feedback.judgedTasks(store, project);
        const all = feedback.measureAgreement(tasks);
        if (all === null) {
          throw new TenetError(
            'usage',
            `nobody can agree in project ${project} yet: no two people have ranked the same responses. ` +
              'Ask for several labels of a task with: tenet label create FILE --overlap 2',
          );
        }
        const rows =
          by === undefined
            ? []
            : feedback.inOrder(by, feedback.agreementBy(tasks, feedback.AGREEMENT_SLICES[by].by));
        process.stdout.write(
          globalOptions(self).json
            ? `${JSON.stringify({ type: 'label-agreement', store: store.url, project, all, ...(by !== undefined && { by, slices: Object.fromEntries(rows) }) })}\n`
            : `${show(project, all)}${by === undefined ? '' : `\n${showSlices(by, feedback.AGREEMENT_SLICES[by].title, rows)}`}`,
        );
      } finally {
        await store.close();
      }
    });
}

function show(project: string, all: Agreement): string {
  const { tasks, annotators, comparisons, agree, same } = all;
  const rows = [
    ['agree, a tie against a decision as half', percentInterval(agree)],
    ['say exactly the same', percent(same)],
    ["Krippendorff's alpha, nominal", coefficient(all.alphaNominal)],
    ["Krippendorff's alpha, ordinal", coefficient(all.alphaOrdinal)],
    ["Fleiss' kappa", coefficient(all.fleissKappa)],
    ["Cohen's kappa, mean of two people", coefficient(all.cohenKappa)],
    ["Kendall's tau-b, mean of two people", coefficient(all.tauB)],
    ["Kendall's W", coefficient(all.concordance)],
  ];
  return (
    `${bold(project)}: ${plural(tasks, 'task')} ranked by more than one of ${plural(annotators, 'annotator')}, ` +
    `${plural(comparisons, 'comparison')}\n\n${table(['', ''], rows).trimStart()}\n\n` +
    `${dim(wrap(meaning))}\n`
  );
}

const meaning =
  'Alpha and kappa: 1 = always agree, 0 = as chance would have it. Tau-b: 1 = the same order, -1 = the reverse. ' +
  'W: 1 = all rankings alike. Krippendorff (2004) relies on labels from an alpha of 0.8, and tentatively from 0.667.';

function showSlices(by: SliceName, title: string, rows: readonly [string, Agreement][]): string {
  const cells = rows.map(([key, found]) => [
    key,
    found.tasks.toLocaleString('en-US'),
    percentInterval(found.agree),
    coefficient(found.alphaNominal),
    coefficient(found.alphaOrdinal),
    coefficient(found.cohenKappa),
    coefficient(found.tauB),
  ]);
  const head = [by, 'tasks', 'agree', 'alpha nominal', 'alpha ordinal', "Cohen's kappa", 'tau-b'];
  return `${dim(`By ${by}: ${title}`)}\n${table(head, cells)}\n`;
}

function coefficient(
  value: { readonly estimate: number; readonly low: number; readonly high: number } | number | null,
): string {
  if (value === null) return '–';
  if (typeof value === 'number') return value.toFixed(2);
  return `${value.estimate.toFixed(2)} [${value.low.toFixed(2)}, ${value.high.toFixed(2)}]`;
}
