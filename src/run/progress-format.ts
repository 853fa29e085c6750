/** How numbers read in progress displays: metrics, durations, time left. */

/** Windows of this length decide the rate: long enough to be steady, short enough to follow changes. */
const WINDOW_MS = 60_000;

/** Estimates the time left from the speed of the last minute; a resumed stage may start at any `done`. */
export class TimeLeft {
  private readonly points: { time: number; done: number }[] = [];

  /** Records how much is done at a time in milliseconds. */
  update(time: number, done: number): void {
    const last = this.points.at(-1);
    if (last && done < last.done) this.points.length = 0;
    this.points.push({ time, done });
    // Keep one point older than the window, so that slow steps still have a rate.
    while (this.points.length > 2 && this.points[1].time < time - WINDOW_MS) this.points.shift();
  }

  /** Milliseconds until `total`, or undefined before there is a speed to go by. */
  estimateMs(total: number): number | undefined {
    const [first, last] = [this.points[0], this.points.at(-1)];
    if (!first || !last || last.done <= first.done || last.time <= first.time) return undefined;
    return ((total - last.done) * (last.time - first.time)) / (last.done - first.done);
  }
}

/** `8 s`, `4:05` or `1:02:03`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** A number with about four significant digits, without exponents where it reads well without. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 4);
}

/** `loss 2.310`, and speeds with their unit: `1,234 tokens/s`. */
export function formatMetric(name: string, value: number): string {
  const speed = /^(.+)PerSecond$/.exec(name);
  return speed ? `${formatNumber(value)} ${speed[1]}/s` : `${name} ${formatNumber(value)}`;
}

/** Text without control characters but line ends, so that what comes from data cannot steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '');
}
