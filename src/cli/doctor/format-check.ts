/** A check of `tenet doctor` as text. */
import { styleText } from 'node:util';
import type { Check } from './checks.ts';

const marks: Record<Check['status'], [string, Parameters<typeof styleText>[0]]> = {
  ok: ['✓', 'green'],
  none: ['–', 'dim'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
};

/** One line, and the fix below it where there is one. */
export function formatCheck({ name, status, value, fix }: Check): string {
  const [mark, style] = marks[status];
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  const colored = color ? styleText(style, mark, { validateStream: false }) : mark;
  return `${colored} ${name.padEnd(14)} ${value}${fix ? `\n  ${' '.repeat(14)} ${fix}` : ''}`;
}
