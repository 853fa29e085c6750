/** What the guard asks of whatever judges text: a list of keywords, a classifier, a cascade of several. */

/** One turn of a conversation as the guard sees it: texts only, tools' answers included. */
export interface GuardMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

/** What a screener thinks of a conversation, or of an answer so far. */
export interface Screening {
  /** Probability, 0 to 1, that it goes against the policy; calibrated where the screener is. */
  readonly score: number;
  /** The same by principle or category, where the screener tells them apart. */
  readonly byPrinciple?: Readonly<Record<string, number>>;
  /** Who said so: `keywords`, `probe`, `classifier`, `judge`. */
  readonly stage: string;
  /** Set by a cascade, whose stages have thresholds of their own. Elsewhere whoever asks compares the score. */
  readonly decided?: 'allow' | 'block';
  /** Where it is decided: the threshold that the score was held against. */
  readonly threshold?: number;
  /**
   * Characters (UTF-16 units) at the end of an answer so far that the score does not speak of yet, such as a word that
   * may go on. Whoever streams keeps them back. Default 0; after `end` always 0.
   */
  readonly unjudged?: number;
  /** True: nothing was computed, and what was said before holds, as between two questions to a judge. Default false. */
  readonly isRepeated?: boolean;
}

/** Screens one answer while it is written. */
export interface OutputScreen {
  /**
   * Adds text of the answer; calls are made one after the other, never at the same time.
   * @returns the highest score so far: what has been flagged stays flagged
   * @throws TenetError when it cannot say; the answer is then to be treated as the policy treats failures
   */
  push(text: string): Promise<Screening>;
  /** The answer has ended: the final word on the whole. */
  end(): Promise<Screening>;
  /** Frees what the screen holds; also in the middle of an answer, and more than once. */
  close(): void;
}

/** Something that judges text against a policy. Many conversations at once; one instance serves a whole server. */
export interface GuardModel {
  /** Names it in audit logs, labels and `/v1/moderations`: `keywords`, `classifier:<folder>@<hash>`. */
  readonly name: string;
  /** Scores from which it was made to block, such as for a wanted share of refusals; a policy may say otherwise. */
  readonly thresholds?: { readonly input?: number; readonly output?: number };
  /** True: it can judge no more, as when its thread has ended; all that it is asked fails. Default: it can. */
  readonly isClosed?: boolean;
  /**
   * Screens a conversation before it is answered.
   * @param messages oldest first; not empty
   * @throws TenetError('interrupted') when the signal is aborted
   */
  screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening>;
  /**
   * @param messages the conversation that is answered; the screen must be closed
   * @param choice which of several answers to it, from 0; asked by those who follow the model that writes them. Default 0
   */
  openOutput(messages: readonly GuardMessage[], choice?: number): Promise<OutputScreen>;
  close(): Promise<void>;
}
