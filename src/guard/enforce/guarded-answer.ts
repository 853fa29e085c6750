/**
 * One answer under guard: what is written goes in piece by piece, what is cleared comes out.
 *
 * The promise: under enforcement no piece comes out unless the guard has scored the answer up to that piece's end, all of
 * it, below the threshold. Pieces come out whole and in order.
 */
import type { GuardRules } from '../policy/policy.ts';
import type { OutputScreen, Screening } from '../screen.ts';
import { inTime, type ScreeningFailure } from './screening-failure.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface Piece<T> {
  readonly item: T;
  /** What it adds to the answer; may be empty. */
  readonly text: string;
  /** True: it also shows something of what comes next, so it waits for that. */
  readonly ahead?: boolean;
}

export interface GuardedAnswerOptions {
  readonly rules: GuardRules;
  /** Opens the screen; not called where nothing is screened. */
  readonly open: () => Promise<OutputScreen>;
  readonly onScreening?: (screening: Screening, milliseconds: number) => void;
  readonly onFailure?: (failure: ScreeningFailure) => void;
}

export class GuardedAnswer<T> {
  private readonly options: GuardedAnswerOptions;
  private readonly held: { readonly item: T; readonly end: number }[] = [];
  private screen: Promise<OutputScreen> | null;
  /** Shadow mode: screenings that the answer does not wait for. */
  private background: Promise<void> = Promise.resolve();
  private said: Verdict | null = null;
  private failed: ScreeningFailure | null = null;
  private content = '';
  /** Characters from the beginning that have been screened, less what stays behind. */
  private cleared = 0;
  private isClosed = false;

  constructor(options: GuardedAnswerOptions) {
    this.options = options;
    this.screen = options.rules.mode === 'off' ? null : options.open();
    // Told to whoever waits for it first.
    this.screen?.catch(() => {});
  }

  /** What the guard says so far; null before the first text, or where it said nothing. */
  get verdict(): Verdict | null {
    return this.said;
  }

  get failure(): ScreeningFailure | null {
    return this.failed;
  }

  /** True: nothing more comes out. */
  get isBlocked(): boolean {
    return this.said?.blocked === true && this.options.rules.mode === 'enforce';
  }

  /** All that was written, what was withheld too. */
  get text(): string {
    return this.content;
  }

  /**
   * @returns what may leave now
   * @throws ScreeningFailure where failures close
   */
  async add(pieces: readonly Piece<T>[]): Promise<T[]> {
    if (this.isBlocked || this.isClosed) return [];
    let text = '';
    for (const piece of pieces) {
      text += piece.text;
      // One beyond its end: only with more text, or at the end of all.
      this.held.push({ item: piece.item, end: this.content.length + text.length + (piece.ahead ? 1 : 0) });
    }
    this.content += text;
    if (text === '') return this.release(this.cleared);
    return this.ask((screen) => screen.push(text));
  }

  /** The answer is whole. @returns the rest of what may leave */
  async end(): Promise<T[]> {
    if (this.isBlocked || this.isClosed) return [];
    return this.ask((screen) => screen.end(), true);
  }

  /** Waits for screenings that the answer did not wait for. */
  async settled(): Promise<void> {
    await this.background;
  }

  /** Frees the screen; nothing comes out any more. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.held.length = 0;
    const { screen } = this;
    this.screen = null;
    void this.background.then(async () => (await screen)?.close()).catch(() => {});
  }

  private async ask(question: (screen: OutputScreen) => Promise<Screening>, isLast = false): Promise<T[]> {
    const { screen } = this;
    const everything = Number.POSITIVE_INFINITY;
    if (screen === null) return this.release(everything);
    const { rules } = this.options;
    const length = this.content.length;
    if (rules.mode === 'shadow') {
      this.background = this.background.then(async () => {
        if (this.failed === null) await this.judge(screen, question).catch(() => {});
      });
      return this.release(everything);
    }
    try {
      const { unjudged = 0 } = await this.judge(screen, question);
      if (this.isBlocked || this.isClosed) {
        this.held.length = 0;
        return [];
      }
      this.cleared = isLast ? everything : Math.max(this.cleared, length - unjudged - rules.holdBack);
    } catch (error) {
      if (rules.failure === 'closed') {
        this.close();
        throw error;
      }
      // Open: from here on the answer passes as it is.
      this.screen = null;
      void screen.then((opened) => opened.close()).catch(() => {});
      this.cleared = everything;
    }
    return this.release(this.cleared);
  }

  private async judge(
    screen: Promise<OutputScreen>,
    question: (screen: OutputScreen) => Promise<Screening>,
  ): Promise<Screening> {
    const { rules, onScreening, onFailure } = this.options;
    const start = performance.now();
    try {
      const screening = await inTime(screen.then(question), 'output', rules.timeLimitMs);
      onScreening?.(screening, performance.now() - start);
      const verdict = verdictOf(screening, rules, 'output');
      // What has been flagged stays flagged, whatever the guard says later.
      if (!this.said?.blocked) this.said = verdict;
      return screening;
    } catch (error) {
      this.failed = error as ScreeningFailure;
      onFailure?.(this.failed);
      throw error;
    }
  }

  private release(cleared: number): T[] {
    let count = 0;
    while (count < this.held.length && this.held[count].end <= cleared) count++;
    return this.held.splice(0, count).map(({ item }) => item);
  }
}
