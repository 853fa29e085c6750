/** Turns a stream of token ids into text that is never cut inside a character. */
import type { DecodeOptions, Tokenizer } from './tokenizer.ts';

const REPLACEMENT = '\uFFFD'; // what an incomplete UTF-8 sequence decodes to

/**
 * Decodes token by token. One character may be spread over several tokens; its text appears with the last one.
 * The pieces returned by `push` and `flush`, joined, are the text of all the tokens; but for a space that the tokenizer
 * drops before a mark, which stays where it was returned before the mark came.
 */
export class StreamDecoder {
  private readonly tokenizer: Tokenizer;
  private readonly options: DecodeOptions;
  /** Tokens of the last finished piece: decoders treat the first token of a text apart, so it needs company. */
  private context: number[] = [];
  /** Tokens whose text has not been returned yet. */
  private pending: number[] = [];

  /** @param options.skipSpecialTokens true: control tokens give no text. Default true. */
  constructor(tokenizer: Tokenizer, options: DecodeOptions = {}) {
    this.tokenizer = tokenizer;
    this.options = { skipSpecialTokens: true, ...options };
  }

  /** Adds one token; returns the text that is complete now, often one word, sometimes ''. */
  push(id: number): string {
    if (this.options.skipSpecialTokens && this.tokenizer.specialIds.has(id)) return '';
    this.pending.push(id);
    return this.take(false);
  }

  /** Returns what is still held back, incomplete characters as U+FFFD. */
  flush(): string {
    return this.take(true);
  }

  private take(final: boolean): string {
    if (this.pending.length === 0) return '';
    const before = this.tokenizer.decode(this.context, this.options);
    const text = this.tokenizer.decode([...this.context, ...this.pending], this.options);
    const start = commonLength(before, text);
    if (!final && (text.endsWith(REPLACEMENT) || text.length <= start)) return '';
    this.context = this.pending;
    this.pending = [];
    return text.slice(start);
  }
}

/**
 * Characters that two texts begin with alike. A text that goes on may not begin with what was returned: its last
 * character was cut off and is whole now, or the tokenizer drops the space before a mark that follows.
 */
function commonLength(a: string, b: string): number {
  if (b.startsWith(a)) return a.length;
  let length = 0;
  while (a[length] === b[length]) length++;
  return length;
}
