/** Splits the time with a task in view into time at work and time away, by the gaps between keys. */
import type { TimeSpent } from '../../../feedback/index.ts';

/** Reading takes time without a key; a longer gap than this counts as being away, what is beyond it. */
const longestReadingMs = 60_000;

export class Stopwatch {
  private readonly now: () => number;
  private last: number;
  private activeMs: number;
  private idleMs: number;

  /** @param before time spent on the task earlier */
  constructor(now: () => number, before: TimeSpent | null = null) {
    this.now = now;
    this.last = now();
    this.activeMs = before?.activeMs ?? 0;
    this.idleMs = before?.idleMs ?? 0;
  }

  /** Something was done just now. */
  tick(): void {
    const now = this.now();
    const gap = Math.max(0, now - this.last);
    this.activeMs += Math.min(gap, longestReadingMs);
    this.idleMs += Math.max(0, gap - longestReadingMs);
    this.last = now;
  }

  get spent(): { readonly activeMs: number; readonly idleMs: number } {
    return { activeMs: Math.round(this.activeMs), idleMs: Math.round(this.idleMs) };
  }
}
