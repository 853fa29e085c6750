import { Command } from 'commander';
import type { LabelPlan, Measured } from '../../feedback/index.ts';
import { bold, dim, percent, plural, table, wrap } from '../constitution/text.ts';
import { count } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { chooseJob, type HybridFlags, hybridOptionsOf, share, withHybridFlags } from './hybrid-flags.ts';

interface PlanFlags extends HybridFlags {
  readonly humanAgreement?: number;
  readonly items?: number;
}

/** `tenet label plan`: what labels would cost, and how good they would be, by people, by a judge, or by both. */
export function planCommand(): Command {
  return withHybridFlags(
    new Command('plan')
      .summary('compare what people, a judge, or both together would cost and be worth')
      .description(
        'Takes the labels that "tenet compare" has made of a data set, and whatever people have said of the same items, in ' +
          'the data or as labels in the store, to say what it would cost to have everything labelled by people, by the judge, ' +
          'or shared between them, how many hours it would take, and how often one more person would agree.',
      ),
  )
    .option(
      '--items <n>',
      'size of the data set, of which the judge has labelled a part (default: that)',
      count,
    )
    .option(
      '--human-agreement <share>',
      'how often two people agree (default: as measured where several labelled the same, else 0.726)',
      share,
    )
    .action(run);
}

async function run(flags: PlanFlags, self: Command): Promise<void> {
  const [feedback, { openStore }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
  ]);
  const options = await hybridOptionsOf(flags);
  const store = await openStore(flags.store, { mustExist: true });
  try {
    const job = await chooseJob(store, flags.job);
    const items = await feedback.judgedItems(store, job);
    const said = await feedback.labelsByContent(store);
    const sample = items.flatMap((judged) => {
      const labels = [
        ...(said.get(judged.key) ?? []),
        ...(judged.humanRanks ? [{ ranks: judged.humanRanks, activeMs: null }] : []),
      ];
      return labels.length === 0 ? [] : [{ judged, labels }];
    });
    const confidences = items.map(({ confidence }) => confidence);
    const measured =
      sample.length === 0 ? null : feedback.measureJudge(sample, confidences, options, flags.seed);
    const times = [...said.values()].flat().flatMap(({ activeMs }) => activeMs ?? []);
    const secondsPerLabel = options.secondsPerLabel ?? feedback.medianSeconds(times);
    const humanAgreement = flags.humanAgreement ?? measured?.humanAgreement ?? feedback.usualHumanAgreement;
    const plan = feedback.planLabels(
      items,
      measured,
      { ...options, secondsPerLabel },
      { humanAgreement, size: flags.items },
    );
    const facts = {
      ...{ job, labelled: sample.length },
      secondsPerLabel: secondsPerLabel ?? feedback.usualSecondsPerLabel,
      secondsMeasured: options.secondsPerLabel === undefined && secondsPerLabel !== undefined,
      agreementMeasured: flags.humanAgreement === undefined && measured?.humanAgreement != null,
      ratePerHour: options.ratePerHour,
    };
    process.stdout.write(
      globalOptions(self).json
        ? `${JSON.stringify({ type: 'label-plan', ...facts, ...plan, measured })}\n`
        : show(plan, measured, facts),
    );
  } finally {
    await store.close();
  }
}

interface Facts {
  readonly job: string;
  readonly labelled: number;
  readonly secondsPerLabel: number;
  readonly secondsMeasured: boolean;
  readonly agreementMeasured: boolean;
  readonly ratePerHour: number;
}

function show(
  { items, rows, routes, humanAgreement }: LabelPlan,
  measured: Measured | null,
  facts: Facts,
): string {
  const names = { people: 'people alone', judge: 'judge alone', hybrid: 'shared' } as const;
  const cells = rows.map(({ by, labelsByPeople, hours, costUsd, agreement }) => [
    names[by],
    labelsByPeople.toLocaleString('en-US'),
    hours.toFixed(1),
    costUsd === null ? '?' : `$${costUsd.toFixed(2)}`,
    agreement === null ? '?' : percent(agreement),
  ]);
  const lines = [
    bold(`${plural(items, 'item')} like those of ${facts.job}`),
    '',
    table(['labelled by', 'labels by people', 'hours', 'cost', 'one more person agrees'], cells),
    '',
  ];
  if (measured && routes) lines.push(...measuredLines(measured, routes, facts));
  else {
    lines.push(
      wrap(
        'How good the judge is, and so what sharing is worth, shows when people have labelled a random sample: "tenet label route" ' +
          'draws it and makes the tasks.',
      ),
    );
  }
  if (rows.some(({ costUsd }) => costUsd === null)) lines.push(dim('? the judge’s price is not known'));
  lines.push(
    dim(
      wrap(
        `People: ${facts.secondsPerLabel.toFixed(0)} s a label (${facts.secondsMeasured ? 'measured' : 'assumed'}), $${facts.ratePerHour} an hour; ` +
          `two of them agree on ${percent(humanAgreement)} (${facts.agreementMeasured ? 'measured' : 'assumed'}).`,
      ),
    ),
  );
  return `${lines.join('\n')}\n`;
}

function measuredLines(
  { calibration, thresholds, chosen }: Measured,
  routes: NonNullable<LabelPlan['routes']>,
  { labelled }: Facts,
): string[] {
  const { calibrator, agreement, before, after, eceOfPerfect } = calibration;
  const how =
    calibrator.method === 'temperature'
      ? `temperature ${calibrator.temperature.toFixed(2)}`
      : calibrator.method === 'isotonic'
        ? 'isotonic regression'
        : 'left as it is';
  const counted = (number: number): string => number.toLocaleString('en-US');
  const high =
    thresholds.high === null
      ? 'The judge is not good enough to label anything alone, as far as this sample can show.'
      : `The judge labels ${counted(routes.ai)} alone, from a confidence of ${thresholds.high.toFixed(3)}` +
        (chosen
          ? ` (people agreed with ${percent(chosen.agreement!)} there; at least ${percent(chosen.lowest!)})`
          : '') +
        '.';
  return [
    wrap(
      `People agree with the judge on ${percent(agreement)} of the pairs of ${plural(labelled, 'item')}. Its confidence is off by ` +
        `${percent(before.ece)}, after calibration (${how}) by ${percent(after.ece)}; a perfect judge would show ${percent(eceOfPerfect)} on so few.`,
    ),
    wrap(
      `${high} Besides the sample, both label ${counted(routes.both)}, and people alone ${counted(routes.people)}, below ${thresholds.low.toFixed(3)}.`,
    ),
    '',
  ];
}
