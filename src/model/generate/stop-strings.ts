/**
 * Finds stop strings in a text that arrives in pieces, and never lets a part of one through.
 *
 * The one found is the first to be complete (of several that end together the longest), so how the text is cut
 * into pieces makes no difference.
 */

export class StopStrings {
  private readonly strings: readonly string[];
  /** What was held back because a stop string may have begun in it. */
  private held = '';
  private stopped: string | null = null;

  /** @param strings none of them empty */
  constructor(strings: readonly string[]) {
    this.strings = strings;
  }

  /** The stop string that ended the text, or null. */
  get found(): string | null {
    return this.stopped;
  }

  /** Adds a piece; returns what can be shown now. Once a stop string is found, always ''. */
  push(piece: string): string {
    if (this.stopped !== null || piece === '') return '';
    const text = this.held + piece;
    let start = 0;
    let end = Number.POSITIVE_INFINITY;
    for (const string of this.strings) {
      const index = text.indexOf(string);
      const after = index + string.length;
      if (index < 0 || after > end || (after === end && index > start)) continue;
      [start, end] = [index, after];
      this.stopped = string;
    }
    const safe = this.stopped === null ? text.length - this.beginningAtEndOf(text) : start;
    this.held = this.stopped === null ? text.slice(safe) : '';
    return text.slice(0, safe);
  }

  /** Returns what is still held back: the text has ended without a stop string there. */
  flush(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }

  /** Length of the longest end of `text` that is the beginning of a stop string. */
  private beginningAtEndOf(text: string): number {
    let longest = 0;
    for (const string of this.strings) {
      for (let size = Math.min(string.length - 1, text.length); size > longest; size--) {
        if (text.endsWith(string.slice(0, size))) longest = size;
      }
    }
    return longest;
  }
}
