/** Text for terminals: weight, wrapping, tables. */
import { styleText } from 'node:util';

export function bold(text: string): string {
  return styled('bold', text);
}

export function dim(text: string): string {
  return styled('dim', text);
}

export function red(text: string): string {
  return styled('red', text);
}

export function green(text: string): string {
  return styled('green', text);
}

export function yellow(text: string): string {
  return styled('yellow', text);
}

function styled(style: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string): string {
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  return color ? styleText(style, text, { validateStream: false }) : text;
}

/** Columns of the terminal, within what is pleasant to read. */
export function textWidth(): number {
  return Math.min(Math.max(process.stdout.columns ?? 100, 40), 110);
}

/** Words in lines of at most `width` characters, paragraphs kept, each line behind the indent. */
export function wrap(text: string, indent = '', width: number = textWidth()): string {
  const room = Math.max(20, width - indent.length);
  return text
    .split('\n')
    .map((paragraph) => {
      const lines: string[] = [''];
      for (const word of paragraph.split(' ')) {
        const last = lines[lines.length - 1];
        if (last !== '' && last.length + 1 + word.length > room) lines.push(word);
        else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
      }
      return lines.map((line) => `${indent}${line}`.trimEnd()).join('\n');
    })
    .join('\n');
}

/** Rows as columns; the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column])].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  return [dim(line(head)), ...rows.map(line)].join('\n');
}

/** `72.0 %`. */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

/** `72.0 % [65.2, 78.1]`. */
export function percentInterval(interval: {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}): string {
  const { estimate, low, high } = interval;
  return `${percent(estimate)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

/** `1 item`, `2 items`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
