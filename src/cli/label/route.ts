import { Command } from 'commander';
import type { HybridReport, HybridState } from '../../feedback/index.ts';
import { labelWorkCommand } from '../../run/label-work.ts';
import { bold, dim, percent, percentInterval, plural, table, wrap, yellow } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { chooseJob, type HybridFlags, hybridOptionsOf, withHybridFlags } from './hybrid-flags.ts';

interface RouteFlags extends HybridFlags {
  readonly project: string;
  readonly guideline?: string;
  readonly output: string;
}

/** `tenet label route`: labelling shared between a judge and people. */
export function routeCommand(): Command {
  return withHybridFlags(
    new Command('route')
      .summary('share labelling between a judge and people')
      .description(
        'Takes the labels that "tenet compare" has made, has people label a random sample, calibrates the judge on it, and lets it ' +
          'label alone where people would agree often enough. The others go to people, or to both, without either seeing what the ' +
          'other says, and to an adjudicator where they disagree; some of the judge’s own are audited. Makes the tasks of the next ' +
          'step and says what is to be done; call it again when that is done. At the end it writes the labels.',
      ),
  )
    .option('-p, --project <name>', 'the project of the tasks', 'hybrid')
    .option('--guideline <version>', 'version of the guideline that people label by')
    .option('-o, --output <file>', 'where the labels are written: .jsonl, .json or .csv', 'labels.jsonl')
    .action(run);
}

async function run(flags: RouteFlags, self: Command): Promise<void> {
  const [{ advanceHybrid, judgedItems, labelFilter, reportHybrid }, store_, { writeRecords }] =
    await Promise.all([
      import('../../feedback/index.ts'),
      import('../../store/index.ts'),
      import('../../data/index.ts'),
    ]);
  const { json } = globalOptions(self);
  const options = await hybridOptionsOf(flags);
  const store = await store_.openStore(flags.store, { mustExist: true });
  try {
    const job = await chooseJob(store, flags.job);
    const items = await judgedItems(store, job);
    const { project, seed, guideline, output } = flags;
    const state = await advanceHybrid({
      ...{ store, project, items, options, seed },
      ...(guideline !== undefined && { guidelineVersion: guideline }),
    });
    if (state.status === 'waiting') {
      process.stdout.write(
        json
          ? `${JSON.stringify({ type: 'label-route', job, project, ...state })}\n`
          : showWaiting(state, labelWorkCommand(store.url, project, state.step === 'adjudication')),
      );
      return;
    }
    const { report, labels } = reportHybrid(state.items, state.measured, options);
    await writeRecords(output, labels);
    await store_.writeSelectionFile(output, await store_.selectFromLedger(store, labelFilter(project)));
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'label-route', job, project, status: 'done', output, report })}\n`
        : showReport(report, output),
    );
  } finally {
    await store.close();
  }
}

/** @param work the command by which people label */
function showWaiting(
  { step, open, tasks, measured }: Extract<HybridState, { status: 'waiting' }>,
  work: string,
): string {
  const steps = {
    sample: 'People label a random sample, which shows how far the judge can be trusted',
    labels: 'People label what the judge is not trusted with, and audit some of the rest',
    adjudication:
      'An adjudicator decides where the judge and a person disagree, and what everybody has skipped',
  };
  const trust =
    measured === null
      ? []
      : [
          measured.thresholds.high === null
            ? 'The judge is not good enough to label anything alone.'
            : `The judge labels alone from a confidence of ${measured.thresholds.high.toFixed(3)}.`,
        ];
  return (
    `${bold(steps[step])}: ${open.toLocaleString('en-US')} of ${plural(tasks, 'task')} to go.\n` +
    trust.map((line) => `${line}\n`).join('') +
    `Label here with: ${work}\nThen call this again.\n`
  );
}

function showReport(
  { items, sources, audits, cost, unlabelled, both }: HybridReport,
  output: string,
): string {
  const names = {
    ai: 'the judge alone',
    people: 'people',
    both: 'both, agreeing',
    adjudicator: 'an adjudicator',
  };
  const rows = (Object.keys(names) as (keyof typeof names)[])
    .filter((source) => sources[source] > 0)
    .map((source) => [
      names[source],
      sources[source].toLocaleString('en-US'),
      percent(sources[source] / Math.max(1, items)),
    ]);
  const saved = cost.peopleAloneUsd - cost.peopleUsd - (cost.judgeUsd ?? 0);
  const lines = [
    bold(`${output}: ${plural(items - unlabelled, 'label')}`),
    table(['labelled by', 'items', ''], rows),
    '',
    ...(audits.agreement
      ? [
          `Audits of ${audits.audited.toLocaleString('en-US')} of the judge’s own ${audits.items.toLocaleString('en-US')}: people agree with ${percentInterval(audits.agreement)}` +
            (audits.powered ? `, with its confidence in the others ${percentInterval(audits.powered)}` : ''),
        ]
      : []),
    ...(both.items > 0
      ? [
          `Of ${plural(both.items, 'item')} that both labelled they disagreed about ${both.disagreements.toLocaleString('en-US')}`,
        ]
      : []),
    `${plural(cost.labelsByPeople, 'label')} by people, ${cost.hours.toFixed(1)} hours, $${cost.peopleUsd.toFixed(2)}` +
      `${cost.judgeUsd === null ? '' : `; the judge $${cost.judgeUsd.toFixed(2)}`}; people alone would be ${cost.peopleAloneHours.toFixed(1)} hours, $${cost.peopleAloneUsd.toFixed(2)}` +
      `${saved > 0 ? ` ($${saved.toFixed(2)} more)` : ''}`,
    dim(
      `${cost.secondsPerLabel.toFixed(0)} s a label, ${cost.measured ? 'measured' : 'not measured'}; ${output}.ledger.json names the labels`,
    ),
  ];
  if (audits.verdict === 'below') {
    lines.push(
      yellow(
        wrap('warning: the audits show that people agree with the judge less often than was asked for.'),
      ),
    );
  }
  if (unlabelled > 0) lines.push(yellow(`warning: ${plural(unlabelled, 'item')} skipped by too many people`));
  return `${lines.map((line) => wrapLong(line)).join('\n')}\n`;
}

/** Sentences wrapped, tables as they are. */
function wrapLong(line: string): string {
  return line.includes('\n') ? line : wrap(line);
}
