/** Means of a probe's numbers over the last tokens. Shapes: T tokens, N numbers of the probe. */

export class WindowMean {
  private readonly window: number;
  /** [up to window][N] */
  private recent: Float32Array[] = [];

  constructor(window: number) {
    this.window = window;
  }

  /** @param numbers [N] raw ones of the next token @returns [N] means over the last tokens, this one included */
  push(numbers: Float32Array): Float32Array {
    this.recent.push(numbers);
    if (this.recent.length > this.window) this.recent.shift();
    return numbers.map((_, n) => this.recent.reduce((sum, one) => sum + one[n], 0) / this.recent.length);
  }

  /** One that goes on from here by itself. */
  copy(): WindowMean {
    const copy = new WindowMean(this.window);
    copy.recent = [...this.recent];
    return copy;
  }
}
