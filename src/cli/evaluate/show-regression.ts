/** A regression check as text. */
import type { FigureChange, Regression } from '../../evaluate/index.ts';
import { bold, dim } from '../constitution/text.ts';
import { oneLine } from './one-line.ts';
import type { ModelResults } from './results-file.ts';
import { number } from './show-results.ts';

const words: Readonly<Record<FigureChange['change'], string>> = {
  fell: 'FELL',
  worse: 'worse',
  unclear: 'unclear',
  same: 'same',
  better: 'better',
};
const order: readonly FigureChange['change'][] = ['fell', 'worse', 'unclear', 'better', 'same'];

export function showRegression(
  { changes, unpaired, idleLimits }: Regression,
  [before, after]: readonly [ModelResults, ModelResults],
): string {
  const sorted = [...changes].sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
  const head = ['', '', 'items', 'before', 'after', 'difference', 'limit'];
  const rows = sorted.map((change) => [
    words[change.change],
    `${change.suite}: ${change.figure}`,
    `${change.items}`,
    number(change.before, change.unit),
    number(change.after, change.unit),
    `${signed(change.difference.estimate, change.unit)} [${signed(change.difference.low, change.unit)}, ${signed(change.difference.high, change.unit)}]`,
    change.limit === null ? '' : number(change.limit, change.unit),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const examples = sorted
    .filter(({ change }) => change === 'fell' || change === 'worse')
    .flatMap((change) => [
      '',
      bold(`${change.suite}: ${change.figure}`),
      ...change.examples.flatMap(({ before, after }) => [
        `  ${oneLine(before.prompt, 140)}`,
        `    before  ${dim(before.verdict)}  ${oneLine(before.response, 140)}`,
        `    after   ${dim(after.verdict)}  ${oneLine(after.response, 140)}`,
      ]),
    ]);
  const fell = changes.filter(({ change }) => change === 'fell').length;
  const unclear = changes.filter(({ change }) => change === 'unclear').length;
  return `${[
    bold(`${after.model} against ${before.model}`),
    dim(line(head)),
    ...rows.map(line),
    dim(
      'Differences item by item on the same items; 95 % intervals, of shares by Agresti and Min, else by bootstrap.',
    ),
    ...examples,
    '',
    ...(unpaired.length > 0
      ? [`Not compared, because only one side has items for it: ${unpaired.join(', ')}`]
      : []),
    ...(unclear > 0
      ? [
          `${unclear} figure${unclear === 1 ? '' : 's'} may have fallen beyond the limit; more items would tell (raise --limit).`,
        ]
      : []),
    ...[before, after].flatMap(({ model, suites }) =>
      suites.flatMap(({ suite, failed }) =>
        failed.count === 0
          ? []
          : [`${model}, ${suite}: ${failed.count} items failed, the first: ${failed.reason}`],
      ),
    ),
    ...(idleLimits.length > 0
      ? [`--max-fall-of names nothing that was compared and can fall: ${idleLimits.join(', ')}`]
      : []),
    fell === 0
      ? 'No safety or honesty figure has fallen beyond its limit.'
      : `${fell} figure${fell === 1 ? ' has' : 's have'} fallen beyond the limit.`,
  ].join('\n')}\n`;
}

function signed(value: number, unit: string): string {
  return value > 0 ? `+${number(value, unit)}` : number(value, unit);
}
