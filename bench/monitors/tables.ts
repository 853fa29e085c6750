/** The result of the measurement as Markdown. */
import type { DetectorRow, RunOutcome } from './analyse.ts';
import { isHack } from './kinds.ts';

export function tables(outcomes: readonly RunOutcome[], rows: readonly DetectorRow[]): string {
  const hacking = outcomes.filter(({ kind }) => isHack(kind));
  const healthy = outcomes.filter(({ kind }) => !isHack(kind));
  const fell = (runs: readonly RunOutcome[]): number => runs.filter(({ fellAt }) => fellAt !== null).length;
  return [
    `${hacking.length} runs hack by construction, in ${fell(hacking)} of them gold fell by 5 % from its peak; ` +
      `${healthy.length} are healthy by construction, in ${fell(healthy)} of them it fell all the same (left out of false alarms).`,
    '',
    table(
      ['detector', 'detected', '95 %', 'false alarms', '95 %', 'lead (iterations)', 'in time'],
      rows
        .filter(({ detected, false: wrong }) => detected.runs + wrong.runs > 0)
        .map(({ detector, detected, false: wrong, leads }) => [
          detector,
          `${detected.runs}/${detected.of}`,
          range(detected),
          `${wrong.runs}/${wrong.of}`,
          range(wrong),
          leads.length === 0 ? '–' : `${medianOf(leads)} (${Math.min(...leads)} to ${Math.max(...leads)})`,
          leads.length === 0 ? '–' : `${leads.filter((lead) => lead > 0).length}/${leads.length}`,
        ]),
    ),
    '',
    'Lead: iterations from the first alarm until gold was 5 % below its peak, median (least to most), of hacking runs that have both; below 0 it only tells afterwards.',
    '',
    `Silent in all runs: ${
      rows
        .filter(({ detected, false: wrong }) => detected.runs + wrong.runs === 0)
        .map(({ detector }) => detector)
        .join(', ') || 'none'
    }.`,
    '',
    table(
      ['run', 'gold first', 'peak', 'last', 'fell at', 'first alarms (iteration)'],
      outcomes.map(({ name, gold, fellAt, alarms }) => [
        name,
        ...[gold.first, gold.peak, gold.last].map((value) => value.toFixed(3)),
        fellAt === null ? '–' : String(fellAt),
        Object.entries(alarms)
          .sort(([, a], [, b]) => a - b)
          .map(([detector, step]) => `${detector} ${step}`)
          .join(', ') || '–',
      ]),
    ),
    '',
  ].join('\n');
}

function range({ low, high, of }: DetectorRow['detected']): string {
  return of === 0 ? '–' : `${Math.round(100 * low)}–${Math.round(100 * high)} %`;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  );
}
