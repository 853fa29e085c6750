/** Where a run shows how far it is: a terminal, lines of a log, or JSON for another program. */
import type { ProgressDisplay, ProgressStream, ProgressUpdate, StageUpdate } from './progress-display.ts';
import { PlainProgress } from './progress-plain.ts';
import { TerminalProgress } from './progress-terminal.ts';
import type { EventRecord, SampleRecord, WarningRecord } from './records.ts';

export interface CreateProgressOptions {
  /** One JSON object per line on `stdout` instead of a display. Default false. */
  readonly json?: boolean;
  /** Default `process.stdout`. */
  readonly stdout?: ProgressStream;
  /** Where people read the display. Default `process.stderr`. */
  readonly stderr?: ProgressStream;
  /** Environment variables. Default `process.env`; NO_COLOR, FORCE_COLOR and TERM=dumb count. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Clock in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** The display that fits: JSON lines if asked for, a bar on a terminal, plain lines anywhere else. */
export function createProgress(options: CreateProgressOptions = {}): ProgressDisplay {
  const stderr = options.stderr ?? process.stderr;
  const env = options.env ?? process.env;
  const now = options.now ?? Date.now;
  if (options.json) return new JsonProgress(options.stdout ?? process.stdout, now);
  const terminal = stderr.isTTY === true && env.TERM !== 'dumb';
  // https://no-color.org: any value that is not empty turns colour off.
  const color = terminal
    ? !env.NO_COLOR
    : Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== '0' && !env.NO_COLOR;
  return terminal
    ? new TerminalProgress({ stream: stderr, color, now })
    : new PlainProgress({ stream: stderr, color, now });
}

/** One JSON object per line, `type` first: stage, progress, event, sample or warning. */
class JsonProgress implements ProgressDisplay {
  private readonly stream: ProgressStream;
  private readonly now: () => number;

  constructor(stream: ProgressStream, now: () => number) {
    this.stream = stream;
    this.now = now;
  }

  stage(update: StageUpdate): void {
    this.print('stage', { ...update, time: this.now() });
  }

  progress(update: ProgressUpdate): void {
    this.print('progress', { ...update, time: this.now() });
  }

  event(record: EventRecord): void {
    this.print('event', record);
  }

  sample(record: SampleRecord): void {
    this.print('sample', record);
  }

  warn(record: WarningRecord): void {
    this.print('warning', record);
  }

  close(): void {}

  private print(type: string, record: object): void {
    this.stream.write(`${JSON.stringify({ type, ...record })}\n`);
  }
}
