/** Progress as plain lines, for logs, pipes and continuous integration. */
import { styleText } from 'node:util';
import type { DisplayOptions, ProgressDisplay, ProgressUpdate, StageUpdate } from './progress-display.ts';
import { formatDuration, formatMetric, printable, TimeLeft } from './progress-format.ts';
import type { WarningRecord } from './records.ts';

/** A line is written at each tenth of a stage, and after this long without one. */
const SILENCE_MS = 30_000;

export class PlainProgress implements ProgressDisplay {
  private readonly options: DisplayOptions;
  private started = 0;
  private lastTime = 0;
  private lastTenth = 0;
  private timeLeft = new TimeLeft();

  constructor(options: DisplayOptions) {
    this.options = options;
  }

  stage(update: StageUpdate): void {
    const head = `[${update.index + 1}/${update.count}] ${update.stage}`;
    const time = this.options.now();
    if (update.status === 'running') {
      this.started = this.lastTime = time;
      this.lastTenth = 0;
      this.timeLeft = new TimeLeft();
      this.line(`${head}: started`);
    } else if (update.status === 'already finished') this.line(`${head}: finished earlier`);
    else this.line(`${head}: ${update.status} after ${formatDuration(time - this.started)}`);
  }

  progress({ stage, done, total, metrics }: ProgressUpdate): void {
    const time = this.options.now();
    this.timeLeft.update(time, done);
    const tenth = total > 0 ? Math.floor((10 * done) / total) : 0;
    if (tenth <= this.lastTenth && time - this.lastTime < SILENCE_MS) return;
    this.lastTenth = Math.max(tenth, this.lastTenth);
    this.lastTime = time;
    const left = this.timeLeft.estimateMs(total);
    const pieces = [
      `${stage} ${done}/${total}`,
      ...Object.entries(metrics).map(([name, value]) => formatMetric(name, value)),
      ...(left !== undefined && done < total ? [`${formatDuration(left)} left`] : []),
    ];
    this.line(pieces.join('  '));
  }

  event(): void {}

  sample(): void {}

  warn({ stage, message }: WarningRecord): void {
    const head = this.options.color ? styleText('yellow', 'warning:', { validateStream: false }) : 'warning:';
    this.line(`${head} ${stage ? `${stage}: ` : ''}${printable(message)}`);
  }

  close(): void {}

  private line(text: string): void {
    this.options.stream.write(`${text}\n`);
  }
}
