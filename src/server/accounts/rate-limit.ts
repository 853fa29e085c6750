/** Counts what went wrong lately, to slow guessing down. */

export interface RateLimitOptions {
  /** So many are let through. */
  readonly most: number;
  /** Within so many milliseconds. */
  readonly withinMs: number;
  readonly now?: () => number;
}

/** Keeps at most so many keys; who comes with ever new ones pushes out the oldest. */
const mostKeys = 10_000;

/** In this process only: several servers on one database let through as many each. */
export class RateLimit {
  private readonly options: Required<RateLimitOptions>;
  private readonly times = new Map<string, number[]>();

  constructor(options: RateLimitOptions) {
    this.options = { now: Date.now, ...options };
  }

  /** Milliseconds until the key may try again; 0 = now. */
  waitMs(key: string): number {
    const recent = this.recent(key);
    const { most, withinMs, now } = this.options;
    return recent.length < most ? 0 : Math.max(1, recent[recent.length - most] + withinMs - now());
  }

  count(key: string): void {
    const recent = [...this.recent(key), this.options.now()];
    this.times.delete(key);
    this.times.set(key, recent);
    if (this.times.size > mostKeys) this.times.delete(this.times.keys().next().value!);
  }

  forget(key: string): void {
    this.times.delete(key);
  }

  private recent(key: string): number[] {
    const since = this.options.now() - this.options.withinMs;
    return (this.times.get(key) ?? []).filter((time) => time > since);
  }
}
