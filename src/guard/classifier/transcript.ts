/**
 * How a classifier reads a conversation and its answer: a plain transcript, the same for every trunk, whatever roles
 * come in whatever order. A chat template may refuse a conversation; a guard must not.
 */
import type { Tokenizer } from '../../text/index.ts';
import type { GuardMessage } from '../screen.ts';

const speakers = { system: 'System', user: 'Human', assistant: 'Assistant', tool: 'Tool' } as const;
const opening = '\n\nAssistant:';

/** A conversation as it is written, ready to be answered. */
export interface WrittenPrompt {
  readonly text: string;
  readonly ids: readonly number[];
  /** White space that every answer to it begins with. */
  readonly lead: string;
}

/** How conversations and answers are written. */
export interface TextForm {
  /** @param messages none: an answer is read by itself */
  prompt(messages: readonly GuardMessage[]): WrittenPrompt;
  /** A whole answer behind a prompt. */
  answer(prompt: WrittenPrompt, answer: string): number[];
  /** An answer that arrives in pieces. However it is cut, the tokens are the same. */
  stream(prompt: WrittenPrompt): AnswerTokens;
}

export class Transcript implements TextForm {
  private readonly tokenizer: Tokenizer;

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  prompt(messages: readonly GuardMessage[]): WrittenPrompt {
    const turns = messages.map(({ role, content }) => `\n\n${speakers[role]}: ${content}`);
    const text = turns.join('') + opening;
    const { bosId, addsBos } = this.tokenizer;
    const ids = this.tokenizer.encode(text);
    return { text, ids: addsBos && bosId !== null ? [bosId, ...ids] : ids, lead: ' ' };
  }

  answer(prompt: WrittenPrompt, answer: string): number[] {
    return this.stream(prompt).whole(answer);
  }

  stream(prompt: WrittenPrompt): AnswerTokens {
    return new AnswerTokens(this.tokenizer, prompt);
  }
}

/** Text without a gap of so many characters is no word, and is read in pieces, or it would be held back for ever. */
const longestWord = 48;

export class AnswerTokens {
  private readonly tokenizer: Tokenizer;
  /** What has become tokens; its end decides how the next ones are written. */
  private before: string;
  /** A word that may go on. */
  private open: string;
  private begun = false;

  constructor(tokenizer: Tokenizer, { text, lead }: WrittenPrompt) {
    this.tokenizer = tokenizer;
    this.before = text;
    this.open = lead;
  }

  /** @returns the tokens of an answer that is there at once */
  whole(answer: string): number[] {
    return [...this.push(answer), ...this.end()];
  }

  /** Characters at the end that are no tokens yet. */
  get held(): number {
    return this.begun ? this.open.length : 0;
  }

  /** @returns the tokens of the words that have ended */
  push(text: string): number[] {
    // What leads an answer stands there, whether the answer brings it or not.
    const added = this.begun ? text : text.trimStart();
    if (added === '') return [];
    this.begun = true;
    this.open += added;
    const ids: number[] = [];
    for (let end = endOfWords(this.open); end > 0; end = endOfWords(this.open)) ids.push(...this.take(end));
    return ids;
  }

  /** @returns the tokens of what was held back */
  end(): number[] {
    return this.begun ? this.take(this.open.length) : [];
  }

  private take(end: number): number[] {
    const text = this.open.slice(0, end);
    const ids = this.tokenizer.encodeAfter(this.before, text);
    this.before = (this.before + text).slice(-256);
    this.open = this.open.slice(end);
    return ids;
  }
}

/** Where the first word that has certainly ended ends: before a gap that something follows; 0 = nowhere yet. */
function endOfWords(open: string): number {
  const gap = /(?<=\S)\s+(?=\S)/.exec(open);
  if (gap && gap.index <= longestWord) return gap.index;
  if (open.length <= longestWord) return 0;
  // Not inside a surrogate pair.
  return /[\uD800-\uDBFF]/.test(open[longestWord - 1]) ? longestWord - 1 : longestWord;
}
