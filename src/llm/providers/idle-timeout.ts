/** A signal that fires when nothing has been heard for a while, or when the caller's own fires. */
export class IdleTimeout {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly milliseconds: number;
  private timer: NodeJS.Timeout;
  private hasExpired = false;

  constructor(milliseconds: number, signal: AbortSignal | undefined) {
    this.milliseconds = milliseconds;
    this.signal = signal ? AbortSignal.any([signal, this.controller.signal]) : this.controller.signal;
    this.timer = this.start();
  }

  /** True: the time ran out. */
  get expired(): boolean {
    return this.hasExpired;
  }

  /** Something was heard. */
  restart(): void {
    clearTimeout(this.timer);
    this.timer = this.start();
  }

  /** The call has ended well. */
  clear(): void {
    clearTimeout(this.timer);
  }

  /** The call is over; what still comes is not wanted, so the connection is closed. */
  abandon(): void {
    this.clear();
    this.controller.abort();
  }

  private start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.hasExpired = true;
      this.controller.abort();
    }, this.milliseconds);
  }
}
