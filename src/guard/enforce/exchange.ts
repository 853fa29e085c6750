/** One request under guard, from its conversation to its answers, and the report on it at the end. */
import type { GuardRules } from '../policy/policy.ts';
import type { GuardMessage, GuardModel, OutputScreen, Screening } from '../screen.ts';
import { GuardedAnswer } from './guarded-answer.ts';
import { inTime, type ScreeningFailure } from './screening-failure.ts';
import { type Verdict, verdictOf, type Where } from './verdict.ts';

/** Names a request in logs. */
export interface RequestFacts {
  readonly requestId: string;
  readonly route: string;
  readonly model: string;
  readonly stream: boolean;
  /** What the client calls it, where it says. */
  readonly clientRequestId?: string;
}

/**
 * - `allowed`: passed, in shadow mode whatever the guard thinks
 * - `blocked`: refused, or stopped on the way
 * - `unscreened`: passed without a word of the guard, by a rule or because failures open
 * - `refused`: could not be screened: the guard failed and failures close, or something is no text
 * - `failed`: the upstream failed
 * - `aborted`: the client went away
 */
export type Outcome = 'allowed' | 'blocked' | 'unscreened' | 'refused' | 'failed' | 'aborted';

export interface AnswerReport {
  readonly verdict: Verdict | null;
  /** All that was written, what was withheld too. */
  readonly text: string;
}

export interface ExchangeReport extends RequestFacts {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Spent in screenings, those at the same time added up. */
  readonly screeningMs: number;
  readonly guard: string;
  readonly rules: GuardRules;
  readonly outcome: Outcome;
  /** Null where the conversation was not screened. */
  readonly input: Verdict | null;
  readonly answers: readonly AnswerReport[];
  readonly failure: ScreeningFailure | null;
  readonly messages: readonly GuardMessage[];
  /** Of the upstream's answer; null where it was not asked. */
  readonly upstreamStatus: number | null;
}

/** How far a request is. */
export interface Course {
  /** Nothing more is answered; screenings that nothing waited for may go on. */
  readonly ended: Promise<void>;
  /** All observers have been told. */
  readonly reported: Promise<void>;
}

/** Told of what happens; must not throw, and nothing waits for it. */
export interface GuardObserver {
  began?(course: Course): void;
  screened?(where: Where, screening: Screening, milliseconds: number): void;
  failed?(failure: ScreeningFailure): void;
  finished?(report: ExchangeReport): void;
}

export interface ExchangeOptions {
  readonly guard: GuardModel;
  readonly rules: GuardRules;
  readonly facts: RequestFacts;
  readonly messages: readonly GuardMessage[];
  readonly observers?: readonly GuardObserver[];
  readonly signal?: AbortSignal;
}

export class Exchange {
  readonly rules: GuardRules;
  readonly facts: RequestFacts;
  upstreamStatus: number | null = null;
  private readonly options: ExchangeOptions;
  private readonly observers: readonly GuardObserver[];
  private readonly startedAt = Date.now();
  private readonly start = performance.now();
  private readonly answers: GuardedAnswer<unknown>[] = [];
  /** By conversation and choice: screens that no answer has taken yet. */
  private readonly prepared = new Map<readonly GuardMessage[], (Promise<OutputScreen> | undefined)[]>();
  /** Shadow mode: the screening that nothing waits for. */
  private background: Promise<void> = Promise.resolve();
  private input: Verdict | null = null;
  private failure: ScreeningFailure | null = null;
  private screeningMs = 0;
  private isFinished = false;
  private tellEnded = (): void => {};
  private tellReported = (): void => {};

  constructor(options: ExchangeOptions) {
    this.options = options;
    this.rules = options.rules;
    this.facts = options.facts;
    this.observers = options.observers ?? [];
    const ended = new Promise<void>((resolve) => (this.tellEnded = resolve));
    const reported = new Promise<void>((resolve) => (this.tellReported = resolve));
    for (const observer of this.observers) observer.began?.({ ended, reported });
  }

  /**
   * Screens the conversation.
   * @returns whether it is to be refused; never in shadow mode, which does not wait either
   * @throws ScreeningFailure where failures close
   */
  async refusesInput(): Promise<boolean> {
    const { rules } = this;
    if (rules.mode === 'off') return false;
    const asked = this.screenInput();
    if (rules.mode === 'shadow') {
      this.background = asked.catch(() => {});
      return false;
    }
    try {
      await asked;
    } catch (error) {
      if (rules.failure === 'closed') throw error;
    }
    return this.isInputBlocked;
  }

  /** What the guard says of the conversation; null before it has, or where it does not. */
  get inputVerdict(): Verdict | null {
    return this.input;
  }

  get isInputBlocked(): boolean {
    return this.rules.mode === 'enforce' && this.input?.blocked === true;
  }

  /** True once any of the answers has been stopped. */
  get isAnyAnswerBlocked(): boolean {
    return this.answers.some((answer) => answer.isBlocked);
  }

  /**
   * Opens screens for answers that are to come, while whoever answers is at work: a guard that reads the conversation first
   * then delays none of them.
   */
  prepare(count: number, messages: readonly GuardMessage[] = this.options.messages): void {
    if (this.rules.mode === 'off') return;
    const screens = Array.from({ length: count }, (_, choice) =>
      this.options.guard.openOutput(messages, choice),
    );
    // Told to whoever waits for it first.
    for (const screen of screens) screen.catch(() => {});
    this.prepared.set(messages, screens);
  }

  /**
   * @param messages the conversation that it answers, where the request holds several. Default: all of them
   * @param choice   which of several answers to it, from 0
   */
  answer<T>(messages: readonly GuardMessage[] = this.options.messages, choice = 0): GuardedAnswer<T> {
    const answer = new GuardedAnswer<T>({
      rules: this.rules,
      open: () => this.takePrepared(messages, choice) ?? this.options.guard.openOutput(messages, choice),
      onScreening: (screening, milliseconds) => this.noteScreening('output', screening, milliseconds),
      onFailure: (failure) => this.noteFailure(failure),
    });
    this.answers.push(answer as GuardedAnswer<unknown>);
    return answer;
  }

  /** Frees everything and tells the observers; the first call counts. Nothing waits for it. */
  finish(outcome?: Outcome): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.tellEnded();
    void this.report(outcome);
  }

  private takePrepared(messages: readonly GuardMessage[], choice: number): Promise<OutputScreen> | undefined {
    const screens = this.prepared.get(messages);
    const screen = screens?.[choice];
    if (screen) screens![choice] = undefined;
    return screen;
  }

  private async screenInput(): Promise<void> {
    const { guard, messages, signal } = this.options;
    const start = performance.now();
    // Also ends the work of a guard that nobody waits for any longer.
    const ended = new AbortController();
    try {
      const either = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
      const asked = guard.screenInput(messages, either);
      const screening = await inTime(asked, 'input', this.rules.timeLimitMs);
      this.noteScreening('input', screening, performance.now() - start);
      this.input = verdictOf(screening, this.rules, 'input');
    } catch (error) {
      // Nobody waits for a client that has gone, and the guard has not failed.
      if (!signal?.aborted) this.noteFailure(error as ScreeningFailure);
      throw error;
    } finally {
      ended.abort();
    }
  }

  private async report(told: Outcome | undefined): Promise<void> {
    await this.background;
    await Promise.all(this.answers.map((answer) => answer.settled()));
    const answers = this.answers.map(({ verdict, text }) => ({ verdict, text }));
    const { guard, messages } = this.options;
    const report: ExchangeReport = {
      ...this.facts,
      startedAt: this.startedAt,
      durationMs: performance.now() - this.start,
      screeningMs: this.screeningMs,
      guard: guard.name,
      rules: this.rules,
      outcome: this.isInputBlocked || this.isAnyAnswerBlocked ? 'blocked' : (told ?? this.passed()),
      input: this.input,
      answers,
      failure: this.failure,
      messages,
      upstreamStatus: this.upstreamStatus,
    };
    for (const answer of this.answers) answer.close();
    for (const screen of [...this.prepared.values()].flat())
      screen?.then((opened) => opened.close()).catch(() => {});
    try {
      for (const observer of this.observers) observer.finished?.(report);
    } finally {
      this.tellReported();
    }
  }

  private passed(): Outcome {
    return this.rules.mode === 'off' || this.failure !== null ? 'unscreened' : 'allowed';
  }

  private noteScreening(where: Where, screening: Screening, milliseconds: number): void {
    this.screeningMs += milliseconds;
    for (const observer of this.observers) observer.screened?.(where, screening, milliseconds);
  }

  private noteFailure(failure: ScreeningFailure): void {
    this.failure ??= failure;
    for (const observer of this.observers) observer.failed?.(failure);
  }
}
