import { Command } from 'commander';
import type {
  Agreement,
  AnnotatorQuality,
  QualificationState,
  SliceName,
  Suspicion,
} from '../../feedback/index.ts';
import { bold, dim, percent, percentInterval, table, wrap, yellow } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { projectOption } from './project.ts';

interface QualityFlags {
  readonly store: string;
  readonly project?: string;
}

/** What may be why people disagree. */
const reasons = ['position', 'length', 'time', 'session', 'guideline'] as const satisfies SliceName[];

/** `tenet label quality`: how well each annotator labels, and where people disagree. */
export function qualityCommand(): Command {
  return new Command('quality')
    .summary('say how well each annotator labels, and why people may disagree')
    .description(
      'For each annotator: how often right on tasks with a known answer, how reliable by what others say of the same ' +
        'responses, the same when asked again, and signs of not reading. Then agreement by what may be behind disagreement.',
    )
    .addOption(storeOption())
    .addOption(projectOption())
    .action(async ({ store: url, project: given }: QualityFlags, self: Command) => {
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
        const annotators = feedback.annotatorQuality(tasks);
        const qualification = await new feedback.LabelQueue(store, project).qualification.states();
        if (annotators.length === 0 && qualification === null) {
          throw new TenetError(
            'usage',
            `nobody has ranked anything in project ${project} yet. Label with: tenet label work`,
          );
        }
        const breakdown = reasons.map((reason) => {
          const { title, by } = feedback.AGREEMENT_SLICES[reason];
          return { reason, title, rows: feedback.inOrder(reason, feedback.agreementBy(tasks, by)) };
        });
        process.stdout.write(
          globalOptions(self).json
            ? `${JSON.stringify({ type: 'label-quality', store: store.url, project, annotators, qualification: qualification && Object.fromEntries(qualification), agreement: Object.fromEntries(breakdown.map(({ reason, rows }) => [reason, Object.fromEntries(rows)])) })}\n`
            : `${[
                bold(project),
                ...(qualification ? [showQualification(qualification)] : []),
                ...(annotators.length > 0 ? [showAnnotators(annotators)] : []),
              ].join('\n\n')}\n${breakdown.map(showReason).join('')}`,
        );
      } finally {
        await store.close();
      }
    });
}

function showQualification(states: ReadonlyMap<string, QualificationState>): string {
  if (states.size === 0) return dim('Nobody has begun the qualification test.');
  const rows = [...states].map(
    ([annotator, { status, attempt, attempts, answered, questions, score, retakeAt }]) => [
      annotator,
      status,
      `${attempt} of ${attempts}`,
      `${answered} of ${questions}`,
      score === null ? '–' : percent(score),
      retakeAt === null
        ? ''
        : `again from ${new Date(retakeAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ],
  );
  return table(['qualification', '', 'attempt', 'answers', 'best', ''], rows);
}

function showAnnotators(annotators: readonly AnnotatorQuality[]): string {
  const cells = annotators.map(({ annotator, labels, gold, reliability, self, ...habits }) => [
    annotator,
    labels.toLocaleString('en-US'),
    gold === null ? '–' : `${percentInterval(gold.accuracy)} of ${gold.tasks}`,
    reliability === null ? '–' : percent(reliability.accuracy),
    reliability === null ? '–' : reliability.weight.toFixed(2),
    self === null ? '–' : `${percent(self.agree)} of ${self.items}`,
    habits.earlierPreferred === null ? '–' : percent(habits.earlierPreferred.estimate),
    habits.longerPreferred === null ? '–' : percent(habits.longerPreferred.estimate),
    habits.medianMs === null
      ? '–'
      : `${(habits.medianMs / 1000).toFixed(habits.medianMs < 10_000 ? 1 : 0)} s`,
  ]);
  const head = [
    'annotator',
    'labels',
    'right on gold',
    'reliable',
    'weight',
    'same again',
    'earlier',
    'longer',
    'time',
  ];
  const warnings = annotators.flatMap((one) =>
    one.suspicions.map((suspicion) => yellow(wrap(`! ${one.annotator} ${WARNINGS[suspicion](one)}`))),
  );
  return [
    table(head, cells),
    '',
    dim(wrap(meaning)),
    ...(warnings.length > 0 ? ['', ...warnings] : []),
    '',
  ].join('\n');
}

const meaning =
  'Reliable: how often the decisions of an annotator are right, estimated from who says the same as whom (Dawid and Skene); ' +
  'weight: what a label then counts in "tenet label export --weights reliability". Earlier and longer: how often the response ' +
  'that was shown earlier, or is longer, was preferred. Time: median at work on a label.';

const WARNINGS: Readonly<Record<Suspicion, (habits: AnnotatorQuality) => string>> = {
  'too-fast': ({ tooFast }) =>
    `labels too fast: ${percent(tooFast!)} of the labels took less time than reading at 900 words a minute.`,
  'straight-lining': ({ usualOrder }) =>
    `gives the order ${usualOrder!.order} by card in ${usualOrder!.labels} of ${usualOrder!.of} strict rankings, though cards ` +
    'are shuffled.',
  'all-ties': ({ allTies }) => `calls all responses level in ${percent(allTies)} of the labels.`,
};

/** Nothing where there is one kind only: it tells nothing. */
function showReason({
  reason,
  title,
  rows,
}: {
  readonly reason: SliceName;
  readonly title: string;
  readonly rows: readonly [string, Agreement][];
}): string {
  if (rows.length < 2) return '';
  const cells = rows.map(([key, { comparisons, agree, alphaNominal }]) => [
    key,
    comparisons.toLocaleString('en-US'),
    percentInterval(agree),
    alphaNominal === null
      ? '–'
      : `${alphaNominal.estimate.toFixed(2)} [${alphaNominal.low.toFixed(2)}, ${alphaNominal.high.toFixed(2)}]`,
  ]);
  const head = [reason, 'comparisons', 'agree', 'alpha nominal'];
  return `\n${dim(`Agreement by ${title}`)}\n${table(head, cells)}\n`;
}
