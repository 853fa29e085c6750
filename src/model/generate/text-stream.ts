/** A response that can be read while it is written. */

/**
 * Pieces of text in order; `for await` reads them, `result` waits for the end. Leaving the loop early stops
 * the generation.
 */
export class TextStream<Result> implements AsyncIterable<string> {
  /** Resolves when the response is complete; rejects as the loop does. */
  readonly result: Promise<Result>;
  private readonly pieces: string[] = [];
  private ended = false;
  private wake: () => void = () => {};
  private readonly stop: AbortController = new AbortController();

  /**
   * @param start begins the work; it calls `emit` for each piece and heeds the signal
   * @param signal stops the work from outside
   */
  constructor(
    start: (emit: (piece: string) => void, signal: AbortSignal) => Promise<Result>,
    signal?: AbortSignal,
  ) {
    const signals = signal ? [signal, this.stop.signal] : [this.stop.signal];
    this.result = start((piece) => {
      this.pieces.push(piece);
      this.wake();
    }, AbortSignal.any(signals)).finally(() => {
      this.ended = true;
      this.wake();
    });
    // Who only reads the loop hears of a failure there.
    this.result.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    try {
      while (true) {
        while (this.pieces.length > 0) yield this.pieces.shift()!;
        if (this.ended) break;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
      await this.result;
    } finally {
      this.stop.abort();
    }
  }
}
