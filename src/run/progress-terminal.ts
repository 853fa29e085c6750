/** Progress on a terminal: a finished line per stage and a live bar for the one that runs. */
import { styleText } from 'node:util';
import type { DisplayOptions, ProgressDisplay, ProgressUpdate, StageUpdate } from './progress-display.ts';
import { formatDuration, formatMetric, printable, TimeLeft } from './progress-format.ts';
import type { WarningRecord } from './records.ts';

/** Redraw at most this often; a terminal over a slow connection must not slow the training. */
const FRAME_MS = 80;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\r\x1b[2K';

type Style = Parameters<typeof styleText>[0];

export class TerminalProgress implements ProgressDisplay {
  private readonly options: DisplayOptions;
  private place: StageUpdate | undefined;
  private latest: ProgressUpdate | undefined;
  private started = 0;
  private lastFrame = Number.NEGATIVE_INFINITY;
  private timeLeft = new TimeLeft();
  private live = false;
  private readonly showCursor = (): void => {
    this.options.stream.write(SHOW_CURSOR);
  };

  constructor(options: DisplayOptions) {
    this.options = options;
  }

  stage(update: StageUpdate): void {
    const time = this.options.now();
    if (update.status === 'running') {
      this.place = update;
      this.latest = undefined;
      this.started = time;
      this.timeLeft = new TimeLeft();
      this.draw();
      return;
    }
    const marks: Record<string, [string, Style]> = {
      finished: ['✓', 'green'],
      'already finished': ['✓', 'dim'],
      interrupted: ['■', 'yellow'],
      failed: ['✗', 'red'],
    };
    const [mark, style] = marks[update.status];
    const metrics = Object.entries(this.latest?.metrics ?? {}).map(([name, value]) =>
      formatMetric(name, value),
    );
    const details =
      update.status === 'already finished'
        ? ['finished earlier']
        : [`${update.status} after ${formatDuration(time - this.started)}`, ...metrics];
    const text = `${this.head(update)}  ${details.join('  ')}`.slice(0, this.width() - 2);
    this.permanent(`${this.style(style, mark)} ${text}`);
    this.end();
  }

  progress(update: ProgressUpdate): void {
    const time = this.options.now();
    this.timeLeft.update(time, update.done);
    this.latest = update;
    if (time - this.lastFrame >= FRAME_MS || update.done >= update.total) this.draw();
  }

  event(): void {}

  sample(): void {}

  warn({ stage, message }: WarningRecord): void {
    this.permanent(`${this.style('yellow', '! ')}${stage ? `${stage}: ` : ''}${printable(message)}`);
    if (this.place) this.draw();
  }

  close(): void {
    if (this.live) this.options.stream.write(CLEAR_LINE);
    this.end();
  }

  private end(): void {
    this.place = undefined;
    this.latest = undefined;
    if (!this.live) return;
    this.live = false;
    process.off('exit', this.showCursor);
    this.showCursor();
  }

  /** Writes a line that stays, above the live one. */
  private permanent(text: string): void {
    this.options.stream.write(`${CLEAR_LINE}${text}\n`);
  }

  private draw(): void {
    if (!this.place) return;
    if (!this.live) {
      this.live = true;
      process.on('exit', this.showCursor); // also when the process ends in the middle of a stage
      this.options.stream.write(HIDE_CURSOR);
    }
    this.lastFrame = this.options.now();
    this.options.stream.write(CLEAR_LINE + this.frame(this.place));
  }

  /** The live line: head, bar, share done, metrics, time left; what does not fit is left out from the end. */
  private frame(place: StageUpdate): string {
    const { done, total, metrics } = this.latest ?? { done: 0, total: 0, metrics: {} };
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const left = this.timeLeft.estimateMs(total);
    const width = this.width();
    const percent = total > 0 ? `${Math.floor(100 * share)} %`.padStart(5) : 'starting';
    const time = left === undefined || done >= total ? '' : `  ${formatDuration(left)} left`;
    const head = `  ${this.head(place)} `;
    let room = width - head.length - percent.length - time.length;
    let shown = '';
    // Keep at least 10 cells for the bar when metrics compete with it.
    for (const [name, value] of Object.entries(metrics)) {
      const piece = `  ${formatMetric(name, value)}`;
      if (room - piece.length < 11) break;
      room -= piece.length;
      shown += piece;
    }
    const cells = Math.max(0, Math.min(40, room - 1));
    if (cells < 4) return (head + percent + time).slice(0, width);
    const full = Math.round(share * cells);
    const bar = this.style('cyan', '━'.repeat(full)) + this.style('dim', '─'.repeat(cells - full));
    return `${head}${bar}${percent}${shown}${this.style('dim', time)}`;
  }

  private head({ stage, index, count }: StageUpdate): string {
    return `${index + 1}/${count} ${stage.padEnd(8)}`;
  }

  private width(): number {
    return Math.max(10, (this.options.stream.columns || 80) - 1);
  }

  private style(style: Style, text: string): string {
    return this.options.color && text !== '' ? styleText(style, text, { validateStream: false }) : text;
  }
}
