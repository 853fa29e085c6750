/** Results of suites as text. */
import type { Figure, SuiteResult } from '../../evaluate/index.ts';
import { bold, dim } from '../constitution/text.ts';
import { oneLine } from './one-line.ts';
import type { ModelResults } from './results-file.ts';

const arrows = { higher: '↑', lower: '↓' } as const;

/** One table per suite: figures by row, models by column, then what to read them against. */
export function showResults(models: readonly ModelResults[], options: { readonly examples: number }): string {
  const lines: string[] = [];
  const suites = models[0].suites.map(({ suite }) => suite);
  for (const name of suites) {
    const found = models.map(({ suites: own }) => own.find(({ suite }) => suite === name) as SuiteResult);
    lines.push('', ...showSuite(found, models));
    for (const { answers } of found.slice(0, 1)) {
      for (const answer of answers.slice(0, options.examples)) {
        lines.push(`  ${dim(answer.verdict)}  ${oneLine(answer.prompt, 100)}`);
        lines.push(`     ${oneLine(answer.response, 140) || '(empty)'}`);
      }
    }
  }
  return `${lines.slice(1).join('\n')}\n`;
}

function showSuite(found: readonly SuiteResult[], models: readonly ModelResults[]): string[] {
  const head = ['', 'items', ...models.map(({ model }) => model), 'read it against'];
  const rows = found[0].figures.map((figure) => {
    const own = found.map(({ figures }) => figures.find(({ name }) => name === figure.name));
    const arrow = figure.better ? ` ${arrows[figure.better]}` : '';
    return [
      `${figure.name}${arrow}`,
      `${Object.keys(figure.items).length || '–'}`,
      ...own.map(formatFigure),
      figure.landmarks.map(({ name, value }) => `${name} ${number(value, figure.unit)}`).join(', '),
    ];
  });
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const last = head.length - 1;
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 || i === last ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const failures = found.flatMap(({ failed }, i) =>
    failed.count === 0
      ? []
      : [`${models[i].model}: ${failed.count} items failed, the first: ${failed.reason}`],
  );
  return [bold(found[0].title), dim(line(head)), ...rows.map(line), ...failures, dim(found[0].note)];
}

function formatFigure(figure: Figure | undefined): string {
  if (!figure?.interval) return '–';
  const { estimate, low, high } = figure.interval;
  const unit = figure.unit === '' ? '' : ` ${figure.unit}`;
  const text = (value: number): string => number(value, figure.unit);
  return `${text(estimate)}${unit} [${text(low)}, ${text(high)}]`;
}

/** Three digits where there is a fraction to tell, one from 10 on; per cent always with one. */
export function number(value: number, unit = ''): string {
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
  const digits = unit === '%' || Math.abs(value) >= 10 ? 1 : 3;
  return value
    .toFixed(digits)
    .replace(/\.0+$/, '')
    .replace(/^-(?=.*[1-9])/, '−')
    .replace(/^-/, '');
}
