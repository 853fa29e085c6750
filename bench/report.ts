/** Benchmark results for people. */
import { type Benchmark, isMet, type Row } from './benchmark.ts';

/** Lines of a benchmark's results: ratio, what it is to, target; then the numbers behind it. */
export function formatRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows
    .map((row) => {
      const ratio = row.ratio.toFixed(row.ratio < 10 ? 3 : 1).padStart(7);
      const target = row.target ? `   target ${formatTarget(row)}` : '';
      const measured = Object.entries(row.measured)
        .map(([name, value]) => `${name} ${formatNumber(value)}`)
        .join(' · ');
      return `  ${row.what.padEnd(width)} ${ratio} of ${row.of}${target}\n      ${measured}`;
    })
    .join('\n');
}

export function formatTitle({ title, note }: Benchmark): string {
  return `\n${title}\n  ${note}\n`;
}

function formatTarget(row: Row): string {
  const { target } = row;
  const rule = target && 'atLeast' in target ? `at least ${target.atLeast}` : `below ${target?.below}`;
  return `${rule}: ${isMet(row) ? 'met' : 'MISSED'}`;
}

/** Three significant digits, thousands separated. */
function formatNumber(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString('en-GB')
    : value.toLocaleString('en-GB', { maximumSignificantDigits: 3 });
}
