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

interface Counted {
  readonly time: number;
}

/** In this process only: several servers on one database let through as many each. */
export class RateLimit {
  private readonly options: Required<RateLimitOptions>;
  private readonly counted = new Map<string, Counted[]>();

  constructor(options: RateLimitOptions) {
    this.options = { now: Date.now, ...options };
  }

  /** Milliseconds until the key may try again; 0 = now. */
  waitMs(key: string): number {
    const recent = this.recent(key);
    const { most, withinMs, now } = this.options;
    return recent.length < most ? 0 : Math.max(1, recent[recent.length - most].time + withinMs - now());
  }

  /** @returns takes it back, for what did not go wrong after all */
  count(key: string): () => void {
    const counted = { time: this.options.now() };
    const recent = [...this.recent(key), counted];
    this.counted.delete(key);
    this.counted.set(key, recent);
    if (this.counted.size > mostKeys) this.counted.delete(this.counted.keys().next().value!);
    return () => {
      const others = this.counted.get(key)?.filter((one) => one !== counted);
      if (others) this.counted.set(key, others);
    };
  }

  forget(key: string): void {
    this.counted.delete(key);
  }

  private recent(key: string): Counted[] {
    const since = this.options.now() - this.options.withinMs;
    return (this.counted.get(key) ?? []).filter(({ time }) => time > since);
  }
}
