/** The outcome of `tenet compare`: what was labelled, and how far the judge can be trusted. */
import type { ComparisonFiles, WrittenComparisonReport } from '../../constitution/index.ts';
import type { CallTally } from '../../llm/index.ts';
import { describeTally } from '../ask-flags.ts';
import { bold, dim, percent, percentInterval, plural, red, table, wrap, yellow } from './text.ts';

export function showComparisons(
  report: WrittenComparisonReport,
  files: ComparisonFiles,
  tally: CallTally,
): string {
  const { items, inputs, pairs, alike, failed, agreement } = report;
  const lines = [
    bold(`${plural(pairs, 'pair')} of ${plural(items, 'item')} compared`) +
      (alike > 0 ? `, ${alike} of ${inputs} left out: their responses are alike` : '') +
      (failed > 0 ? red(`, ${failed} failed`) : ''),
    '',
    ...(agreement ? [...agreementLines(report), ''] : []),
    ...(pairs > 0 ? [...judgeLines(report), ''] : []),
    `${files.preferences}: ${plural(report.preferences, 'pair')}   ${files.rankings}: ${plural(items, 'ranking')}`,
    dim(`${files.comparisons}, ${files.report}`),
    dim(`job ${report.job}; ${describeTally(tally)}`),
  ];
  for (const warning of warningsOf(report)) lines.push(yellow(wrap(`warning: ${warning}`)));
  if (failed > 0) {
    lines.push(
      red(wrap(`${plural(failed, 'row')} failed; the first: ${report.failedItems[0].reason}`)),
      'Run the same command again to try them again; nothing else is repeated.',
    );
  }
  return `${lines.join('\n')}\n`;
}

function agreementLines({ agreement }: WrittenComparisonReport): string[] {
  const { pairs, accuracy, longestWins, shortestWins, firstWins, brier, logLoss, calibrationError } =
    agreement!;
  const rows = [
    ['this judge', percentInterval(accuracy)],
    ['the longest', percentInterval(longestWins)],
    ['the shortest', percentInterval(shortestWins)],
    ...(firstWins ? [['the first', percentInterval(firstWins)]] : []),
  ];
  return [
    `Agreement with people on ${plural(pairs, 'pair')}, 95 % intervals`,
    table(['prefers', 'as people do'], rows),
    dim(
      `Brier score ${brier.toFixed(3)}, log loss ${logLoss.toFixed(3)} (0.693 knows nothing), calibration error ${percent(calibrationError)}`,
    ),
  ];
}

function judgeLines({
  position,
  length,
  consistency,
  confidence,
  mass,
  questions,
  methods,
}: WrittenComparisonReport): string[] {
  const rows: string[][] = [];
  if (position.firstShare)
    rows.push(['probability of the response shown first', percentInterval(position.firstShare)]);
  if (position.flips) {
    const toFirst =
      position.flipsToFirst === null ? '' : `, ${percent(position.flipsToFirst)} of them to the first`;
    rows.push([`pairs whose outcome changes with the order${toFirst}`, percentInterval(position.flips)]);
  }
  if (length.longerWins)
    rows.push(['pairs where the longer response is preferred', percentInterval(length.longerWins)]);
  if (length.longerWinsForPeople) rows.push(['… by people', percentInterval(length.longerWinsForPeople)]);
  if (length.correlation !== null) {
    rows.push(['correlation of label and difference in length', length.correlation.toFixed(2)]);
  }
  for (const { kind, pairs, same, meanChange } of consistency) {
    const how = kind === 'repeat' ? 'asked again' : 'asked in other words';
    rows.push([
      `same response preferred when ${how} (${plural(pairs, 'pair')}, mean change ${meanChange.toFixed(2)})`,
      percentInterval(same),
    ]);
  }
  rows.push(['mean confidence, 0 undecided to 1 certain', confidence.toFixed(2)]);
  rows.push(['mean probability of the letters A and B together', mass.mean.toFixed(2)]);
  const how = Object.entries(methods).map(([method, count]) =>
    method === 'votes' ? `${count} by votes` : `${count} from log-probabilities`,
  );
  return [table([`The judge, ${plural(questions, 'question')} (${how.join(', ')})`, ''], rows)];
}

/** What should make one think before training on the labels. */
function warningsOf({ agreement, position, mass, pairs, preferences }: WrittenComparisonReport): string[] {
  const warnings: string[] = [];
  if (mass.lowShare > 0.2) {
    warnings.push(
      `the judge gave A and B less than half of its probability in ${percent(mass.lowShare)} of the questions: it did not ` +
        'take them for a choice. Try another layout, few-shot examples (--set fewShot=2) or another model.',
    );
  }
  if (position.flips && position.flips.low > 0.4) {
    warnings.push('the place decides more than the content: these labels are mostly noise.');
  }
  if (agreement && agreement.accuracy.low <= 0.5) {
    warnings.push(
      'agreement with people is not above chance: a reward model would learn something else than they want.',
    );
  } else if (
    agreement &&
    agreement.accuracy.high < Math.max(agreement.longestWins.low, agreement.shortestWins.low)
  ) {
    warnings.push('a rule that only looks at length agrees better with people than this judge.');
  }
  if (preferences === 0) {
    const what = pairs > 0 ? 'every pair is exactly level' : 'no pair was compared';
    warnings.push(`${what}: there is nothing to learn from.`);
  }
  return warnings;
}
