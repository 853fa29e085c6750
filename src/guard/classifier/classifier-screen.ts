/** The verdict of a classifier on a text that arrives in pieces: calibrated, the largest so far, by category. */
import { type PlattScaling, plattProbability } from '../../objective/index.ts';
import type { StreamReader, StreamScorer } from '../probe/probe-scorer.ts';
import type { OutputScreen, Screening } from '../screen.ts';
import type { AnswerTokens } from './transcript.ts';

/** Which numbers of the head are read, and how. */
export interface Readout {
  /** Row of the verdict. */
  readonly head: number;
  readonly scaling: PlattScaling;
  readonly categories: readonly {
    readonly name: string;
    readonly head: number;
    readonly scaling: PlattScaling;
  }[];
  readonly stage: string;
}

/**
 * Reads tokens one after the other and keeps the largest scores. A text longer than the model reads goes on in a new
 * window that begins with the last half of the one before.
 */
export class RunningScores {
  private readonly scorer: StreamScorer;
  private readonly window: number;
  private reader: StreamReader;
  private ids: number[] = [];
  /** [H] raw; −∞ before the first judged token. */
  readonly largest: Float32Array;

  constructor(scorer: StreamScorer, window: number) {
    this.scorer = scorer;
    this.window = Math.min(window, scorer.contextLength);
    this.reader = scorer.open();
    this.largest = new Float32Array(scorer.numbers).fill(Number.NEGATIVE_INFINITY);
  }

  /** @param judged which of these tokens count: all, the last of each window, or none */
  async read(ids: readonly number[], judged: 'all' | 'last' | 'none'): Promise<void> {
    for (let start = 0; start < ids.length; ) {
      if (this.reader.length >= this.window) await this.turnPage();
      const piece = ids.slice(start, start + this.window - this.reader.length);
      const { scores } = await this.reader.read(piece);
      this.ids.push(...piece);
      start += piece.length;
      const ends = start >= ids.length || this.reader.length >= this.window;
      if (judged === 'all') this.keep(scores, 0);
      else if (judged === 'last' && ends) this.keep(scores, piece.length - 1);
    }
  }

  private async turnPage(): Promise<void> {
    this.ids = this.ids.slice(-Math.floor(this.window / 2));
    this.reader = this.scorer.open();
    await this.reader.read(this.ids);
  }

  private keep(scores: Float32Array, from: number): void {
    const { largest } = this;
    for (let i = from * largest.length; i < scores.length; i++) {
      const head = i % largest.length;
      // What is not a number stays so, for a broken model has not found anything harmless.
      largest[head] = Math.max(largest[head], scores[i]);
    }
  }
}

/** What raw scores say. */
export function screeningOf(
  largest: Float32Array,
  { head, scaling, categories, stage }: Readout,
  unjudged = 0,
): Screening {
  const probability = (place: number, of: PlattScaling): number =>
    largest[place] === Number.NEGATIVE_INFINITY ? 0 : plattProbability(of, largest[place]);
  return {
    score: probability(head, scaling),
    ...(categories.length > 0 && {
      byPrinciple: Object.fromEntries(
        categories.map(({ name, head: place, scaling: own }) => [name, probability(place, own)]),
      ),
    }),
    stage,
    unjudged,
  };
}

export class ClassifierScreen implements OutputScreen {
  private readonly tokens: AnswerTokens;
  private readonly scores: RunningScores;
  private readonly readout: Readout;

  /** @param scores has read what stands before the answer */
  constructor(tokens: AnswerTokens, scores: RunningScores, readout: Readout) {
    this.tokens = tokens;
    this.scores = scores;
    this.readout = readout;
  }

  async push(text: string): Promise<Screening> {
    await this.scores.read(this.tokens.push(text), 'all');
    return screeningOf(this.scores.largest, this.readout, this.tokens.held);
  }

  async end(): Promise<Screening> {
    await this.scores.read(this.tokens.end(), 'all');
    return screeningOf(this.scores.largest, this.readout);
  }

  close(): void {}
}
