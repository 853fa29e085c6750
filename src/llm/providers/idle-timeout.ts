/** A signal that fires when nothing has been heard for a while, or when the caller's own fires. */
import { onAbort } from '../layers/signals.ts';

export class IdleTimeout {
  private readonly controller = new AbortController();
  private readonly milliseconds: number;
  /** Lets go of the caller's signal, which may stop thousands of calls and outlive all of them. */
  private readonly forget: () => void;
  private timer: NodeJS.Timeout;
  private hasExpired = false;

  constructor(milliseconds: number, signal: AbortSignal | undefined) {
    this.milliseconds = milliseconds;
    this.forget = onAbort(signal, () => this.controller.abort());
    if (signal?.aborted) this.controller.abort();
    this.timer = this.start();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
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
    this.forget();
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
