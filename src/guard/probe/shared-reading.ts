/**
 * What a served model tells of one request while it answers it: a probe's numbers for the conversation and for what it
 * writes. The server writes it, the guard reads it.
 *
 * Shapes: T tokens, N numbers of the probe.
 */
import { TenetError } from '../../base/index.ts';
import { WindowMean } from './window-mean.ts';

export interface ReadingOptions {
  /** N */
  readonly numbers: number;
  /** Tokens that a score is averaged over. */
  readonly window: number;
  /** Of a conversation longer than this the scores at earlier ends of windows count too. */
  readonly maxLength: number;
}

export class SharedReading {
  /**
   * [N] what is thought of the conversation, once the model has read it; null when it does not read it, such as one that is
   * too long, and so answers nothing.
   */
  readonly conversation: Promise<Float32Array | null>;
  private readonly options: ReadingOptions;
  private readonly answers = new Map<number, SharedAnswer>();
  private readonly settle: (largest: Float32Array | null) => void;
  /** After the prompt. */
  private means: WindowMean | null = null;

  constructor(options: ReadingOptions) {
    this.options = options;
    let settle: (largest: Float32Array | null) => void;
    this.conversation = new Promise((resolve) => {
      settle = resolve;
    });
    this.settle = settle!;
  }

  /** The model has read the prompt. Of several choices the first one tells. @param numbers [T * N] */
  promptRead(numbers: Float32Array): void {
    if (this.means) return;
    const { window, maxLength, numbers: count } = this.options;
    const means = new WindowMean(window);
    const largest = lowest(count);
    const tokens = numbers.length / count;
    for (let t = 1; t <= tokens; t++) {
      const mean = means.push(numbers.subarray((t - 1) * count, t * count));
      // As where a text is read in windows that overlap by half: each is judged at its end.
      const endsWindow = t >= maxLength && (t - maxLength) % Math.max(1, Math.floor(maxLength / 2)) === 0;
      if (endsWindow || t === tokens) keepLargest(largest, mean);
    }
    this.means = means;
    this.settle(largest);
  }

  /** The model answers no more; where it has not read the prompt, it never will. */
  ended(): void {
    this.settle(null);
  }

  /** The answer of that number among those to the conversation, from 0. */
  answer(choice: number): SharedAnswer {
    const known = this.answers.get(choice);
    if (known) return known;
    const answer = new SharedAnswer(this.options.numbers, () => this.meansAfterPrompt());
    this.answers.set(choice, answer);
    return answer;
  }

  private meansAfterPrompt(): WindowMean {
    if (this.means) return this.means.copy();
    throw new TenetError('internal', 'An answer was told before its conversation had been read.');
  }
}

/** One answer with the largest smoothed numbers up to each of its pieces. */
export class SharedAnswer {
  /** So far. */
  text = '';
  /** True: all of it is there. */
  isWhole = false;
  private readonly count: number;
  private readonly meansAfterPrompt: () => WindowMean;
  private means: WindowMean | null = null;
  private largest: Float32Array;
  private readonly pieces: { readonly end: number; readonly largest: Float32Array }[] = [];

  constructor(count: number, meansAfterPrompt: () => WindowMean) {
    this.count = count;
    this.meansAfterPrompt = meansAfterPrompt;
    this.largest = lowest(count);
  }

  /** @param numbers [T * N] of the tokens read since the piece before, those that spell this piece among them */
  add(piece: string, numbers: Float32Array): void {
    this.keep(numbers);
    this.text += piece;
    this.pieces.push({ end: this.text.length, largest: this.largest });
  }

  /** The answer is whole. @param numbers [T * N] of the tokens read since the last piece */
  end(numbers: Float32Array): void {
    this.keep(numbers);
    this.isWhole = true;
  }

  /** [N] over all tokens so far. */
  get largestSoFar(): Float32Array {
    return this.largest;
  }

  /** [N] the largest over the tokens that spell the answer up to that character. */
  largestUpTo(end: number): Float32Array {
    const { pieces } = this;
    // From behind: what is asked about was written a moment ago.
    let at = pieces.length - 1;
    while (at > 0 && pieces[at - 1].end >= end) at--;
    return pieces[at]?.largest ?? this.largest;
  }

  private keep(numbers: Float32Array): void {
    this.means ??= this.meansAfterPrompt();
    const largest = this.largest.slice();
    for (let at = 0; at < numbers.length; at += this.count) {
      keepLargest(largest, this.means.push(numbers.subarray(at, at + this.count)));
    }
    this.largest = largest;
  }
}

function lowest(count: number): Float32Array {
  return new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
}

function keepLargest(largest: Float32Array, numbers: Float32Array): void {
  for (let n = 0; n < numbers.length; n++) largest[n] = Math.max(largest[n], numbers[n]);
}
