/**
 * What is told of a response under a probe: nothing of a token leaves before the model has read it, since only then its
 * numbers are known.
 *
 * Shapes: T tokens, N numbers of the probe.
 */
import type { EngineNews } from './protocol.ts';

export class HeldNews {
  private readonly send: (news: EngineNews) => void;
  private readonly held: EngineNews[] = [];
  /** [T][N] of the tokens since the last piece of text that was told. */
  private numbers: Float32Array[] = [];

  constructor(send: (news: EngineNews) => void) {
    this.send = send;
  }

  /** News of the token that was chosen last. */
  add(news: EngineNews): void {
    this.held.push(news);
  }

  /** The model has read the token that was chosen last. */
  read(numbers: Float32Array): void {
    this.numbers.push(numbers);
    this.release();
  }

  /** Tells all that is held back; the first piece of text brings the numbers. */
  release(): void {
    for (const news of this.held.splice(0)) {
      this.send(news.kind === 'text' ? { ...news, probe: this.takeNumbers() } : news);
    }
  }

  /** [T * N] of the tokens since the last piece of text; forgets them. */
  takeNumbers(): Float32Array {
    const whole = Float32Array.from(this.numbers.flatMap((numbers) => Array.from(numbers)));
    this.numbers = [];
    return whole;
  }
}
