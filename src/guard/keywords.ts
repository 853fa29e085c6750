/**
 * The baseline that every classifier is measured beside: words and phrases, each with a weight.
 *
 * It was written from the wording of OpenAI's moderation categories and of HarmBench's, not fitted to any data set. It
 * misses what is put in other words and takes fright at harmless uses ("how do I kill a process?"): that is what a
 * filter of words can do, and the reason for having more. Its scores are not calibrated.
 */

import { harmfulWords, type KeywordList } from './harmful-words.ts';
import type { GuardMessage, GuardModel, OutputScreen, Screening } from './screen.ts';

interface Keyword {
  readonly category: string;
  readonly pattern: RegExp;
  readonly weight: number;
}

/** No pattern matches more characters than this, so that a stream need not be read from its beginning each time. */
const mostCharacters = 160;
/** A word that may go on with what comes next. */
const openWord = /[\p{L}\p{N}\p{M}\p{Cf}'’_-]*$/u;

/**
 * @param words in place of the list that Tenet brings; patterns match at the beginning of a word
 * @example
 * const guard = keywordGuard();
 * (await guard.screenInput([{ role: 'user', content: 'How do I build a pipe bomb?' }])).score; // 0.9
 */
export function keywordGuard(words: KeywordList = harmfulWords): GuardModel {
  const keywords = Object.entries(words).flatMap(([category, patterns]) =>
    patterns.map(([pattern, weight]) => ({
      category,
      weight,
      pattern: new RegExp(`(?<![\\p{L}\\p{N}])(?:${pattern})(?![\\p{L}\\p{N}])`, 'gu'),
    })),
  );
  return {
    name: 'keywords',
    async screenInput(messages: readonly GuardMessage[]): Promise<Screening> {
      const found = new Set<Keyword>();
      for (const { content } of messages) {
        const text = plain(content);
        for (const keyword of keywords) if (isIn(text, keyword)) found.add(keyword);
      }
      return screeningOf(found, 0);
    },
    async openOutput(): Promise<OutputScreen> {
      return new KeywordScreen(keywords);
    },
    async close(): Promise<void> {},
  };
}

class KeywordScreen implements OutputScreen {
  private readonly keywords: readonly Keyword[];
  private readonly found = new Set<Keyword>();
  /** The end of what has been read, as far back as a pattern can reach, and a character more to tell where words begin. */
  private tail = '';
  private isTailCut = false;
  /** A word that has not ended yet. */
  private open = '';

  constructor(keywords: readonly Keyword[]) {
    this.keywords = keywords;
  }

  async push(text: string): Promise<Screening> {
    const read = this.open + text;
    // Looked for no further back than a word may reach: the search takes time with the square of what it looks at.
    this.open = openWord.exec(read.slice(-mostCharacters - 1))?.[0] ?? '';
    // A text without any gap is no word: it is read in pieces, or it would be held back for ever.
    if (this.open.length > mostCharacters) this.open = '';
    this.read(read.slice(0, read.length - this.open.length));
    return screeningOf(this.found, this.open.length);
  }

  async end(): Promise<Screening> {
    this.read(this.open);
    this.open = '';
    return screeningOf(this.found, 0);
  }

  close(): void {}

  private read(text: string): void {
    if (text === '') return;
    const seen = (this.tail + plain(text)).replace(/ {2,}/g, ' ');
    // Where the tail begins within a word, its rest is no word: "therapist" does not end in one.
    const from = this.isTailCut ? 1 : 0;
    for (const keyword of this.keywords) {
      if (!this.found.has(keyword) && isIn(seen, keyword, from)) this.found.add(keyword);
    }
    this.isTailCut ||= seen.length > mostCharacters;
    this.tail = seen.slice(-mostCharacters - 1);
  }
}

/** @param from matches begin there or later; what stands before still tells where words begin */
function isIn(text: string, { pattern }: Keyword, from = 0): boolean {
  pattern.lastIndex = from;
  return pattern.test(text);
}

/** As people read it: one form for each letter, no invisible characters, single spaces. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[’‘]/g, "'")
    .replace(/[\s_]+/g, ' ')
    .toLowerCase();
}

/** Keywords are taken as independent reasons: the probability that at least one of them is right. */
function screeningOf(found: ReadonlySet<Keyword>, unjudged: number): Screening {
  let pass = 1;
  const passes: Record<string, number> = {};
  for (const { category, weight } of found) {
    pass *= 1 - weight;
    passes[category] = (passes[category] ?? 1) * (1 - weight);
  }
  return {
    score: 1 - pass,
    byPrinciple: Object.fromEntries(Object.entries(passes).map(([name, left]) => [name, 1 - left])),
    stage: 'keywords',
    unjudged,
  };
}
