/** The process's terminal: keys one by one, whole screens, and everything as it was at the end. */
import { emitKeypressEvents, type Interface } from 'node:readline';
import { styleText } from 'node:util';
import type { Terminal } from './annotate.ts';
import type { Key } from './annotate-state.ts';
import { plainStyle, type Style } from './screen.ts';

const enter = '\x1b[?1049h\x1b[?25l'; // another screen, without a cursor
const leave = '\x1b[?25h\x1b[?1049l';

/** What is needed of `process.stdin` and `process.stdout`, or of streams that stand for them. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream & { setRawMode?(raw: boolean): unknown };
  readonly output: NodeJS.WritableStream & {
    readonly columns?: number;
    readonly rows?: number;
  };
}

/** @returns the terminal, and what puts everything back; that also happens when the process exits before */
export function openTerminal(
  { input, output }: TerminalStreams,
  { colours = true }: { readonly colours?: boolean } = {},
): { readonly terminal: Terminal; readonly close: () => void } {
  const waiting: Key[] = [];
  let ended = false;
  let wake = (): void => {};
  const push = (key: Key): void => {
    waiting.push(key);
    wake();
  };
  const onKey = (_: string | undefined, key: Key): void => push(key);
  const onResize = (): void => push({ name: 'redraw' });
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  // Only after this long is an Esc more than the beginning of a sequence that arrows and the like send.
  emitKeypressEvents(input, { escapeCodeTimeout: 50 } as unknown as Interface);
  input.setRawMode?.(true);
  input.on('keypress', onKey);
  input.on('end', onEnd);
  output.on('resize', onResize);
  input.resume();
  output.write(enter);
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    input.setRawMode?.(false);
    input.off('keypress', onKey);
    input.off('end', onEnd);
    output.off('resize', onResize);
    input.pause();
    output.write(leave);
    process.off('exit', close);
    onEnd();
  };
  process.once('exit', close);

  async function* keys(): AsyncGenerator<Key> {
    for (;;) {
      const key = waiting.shift();
      if (key) yield key;
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    close,
    terminal: {
      keys: keys(),
      size: () => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 }),
      show: (lines) => void output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`),
      style: colours ? coloured : plainStyle,
    },
  };
}

const coloured: Style = {
  bold: (text) => styled('bold', text),
  dim: (text) => styled('dim', text),
  marked: (text) => styled(['bold', 'cyan'], text),
  warning: (text) => styled('yellow', text),
};

function styled(format: Parameters<typeof styleText>[0], text: string): string {
  return text === '' ? text : styleText(format, text, { validateStream: false });
}
