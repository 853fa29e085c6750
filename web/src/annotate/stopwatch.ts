/** How long somebody is at work on a task, and how long it only stands there. */

/** Without a sign of life for so long, nobody is at work. */
const idleAfterMs = 30_000;

export class Stopwatch {
  private readonly now: () => number;
  private active = 0;
  private idle = 0;
  private last: number;
  private visible = true;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.last = now();
  }

  /** A sign of life: a key, the pointer, scrolling. */
  touch(): void {
    this.count();
  }

  /** The page is looked at, or not: then no time counts. */
  show(visible: boolean): void {
    this.count();
    this.visible = visible;
  }

  /** Milliseconds so far. */
  read(): { readonly activeMs: number; readonly idleMs: number } {
    this.count();
    return { activeMs: Math.round(this.active), idleMs: Math.round(this.idle) };
  }

  /** A stretch up to the next sign counts as work as far as it is short. */
  private count(): void {
    const now = this.now();
    if (this.visible) {
      const passed = now - this.last;
      this.active += Math.min(passed, idleAfterMs);
      this.idle += Math.max(0, passed - idleAfterMs);
    }
    this.last = now;
  }
}
