/**
 * Learns byte-pair merges from word counts (Sennrich et al. 2016, arXiv:1508.07909, over bytes).
 *
 * Only words that contain the merged pair are touched at each step, and the next pair comes from a heap with
 * lazily corrected counts, so the cost follows the number of changes instead of merges × corpus.
 */

/** A learnt merge: the two byte strings (one character per byte, U+0000 … U+00FF). */
export type Merge = readonly [left: string, right: string];

export interface LearnMergesOptions {
  /** How many tokens to reach, counting the 256 bytes (and not the special tokens). */
  tokens: number;
  /** Stop when the best pair is rarer than this. */
  minFrequency: number;
}

/**
 * Repeatedly merges the most frequent adjacent pair. Of equally frequent pairs the lexicographically greatest
 * (left bytes first, then right bytes) wins, so the result does not depend on the order of the words.
 *
 * @param wordCounts word as a byte string → how often it occurs. Merges never cross words.
 */
export function learnMerges(wordCounts: ReadonlyMap<string, number>, options: LearnMergesOptions): Merge[] {
  const trainer = new MergeLearner(wordCounts);
  const merges: Merge[] = [];
  while (trainer.tokenCount < options.tokens) {
    const merge = trainer.next(options.minFrequency);
    if (!merge) break;
    merges.push(merge);
  }
  return merges;
}

const PAIR = 2 ** 26; // pair key = left * PAIR + right; exact in a double for 2^26 tokens

class MergeLearner {
  /** Token id → its bytes. */
  private readonly bytes: string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  private readonly idOf = new Map(this.bytes.map((bytes, id) => [bytes, id]));
  /** [words] token ids of each distinct word, rewritten as merges apply. */
  private readonly words: number[][];
  /** [words] how often each word occurs. */
  private readonly counts: number[];
  private readonly pairCounts = new Map<number, number>();
  /** Pair → words that have (or had) it; may hold a word more than once. */
  private readonly pairWords = new Map<number, number[]>();
  private readonly heap: PairHeap;

  constructor(wordCounts: ReadonlyMap<string, number>) {
    this.words = [...wordCounts.keys()].map((word) => Array.from(word, (c) => c.charCodeAt(0)));
    this.counts = [...wordCounts.values()];
    this.words.forEach((_, word) => {
      this.countPairs(word, 1);
    });
    this.heap = new PairHeap((a, b) => this.isGreater(a, b));
    for (const [pair, count] of this.pairCounts) this.heap.push({ pair, count });
  }

  get tokenCount(): number {
    return this.bytes.length;
  }

  /** Applies the best merge and returns it; null when no pair is frequent enough. */
  next(minFrequency: number): Merge | null {
    for (;;) {
      const best = this.heap.pop();
      if (!best) return null;
      const count = this.pairCounts.get(best.pair) ?? 0;
      if (count !== best.count) {
        if (count > 0) this.heap.push({ pair: best.pair, count }); // the entry was out of date: rank it anew
        continue;
      }
      return count < Math.max(1, minFrequency) ? null : this.merge(best.pair);
    }
  }

  private merge(pair: number): Merge {
    const left = Math.floor(pair / PAIR);
    const right = pair % PAIR;
    const joined = this.bytes[left] + this.bytes[right];
    let id = this.idOf.get(joined); // the same bytes may already be a token, merged in another way
    if (id === undefined) {
      id = this.bytes.push(joined) - 1;
      this.idOf.set(joined, id);
    }
    const grown = new Set<number>();
    for (const word of new Set(this.pairWords.get(pair))) {
      this.countPairs(word, -1);
      this.words[word] = replacePair(this.words[word], left, right, id);
      this.countPairs(word, 1, id, grown);
    }
    this.pairWords.delete(pair);
    this.pairCounts.delete(pair);
    for (const key of grown) this.heap.push({ pair: key, count: this.pairCounts.get(key)! });
    return [this.bytes[left], this.bytes[right]];
  }

  /** Adds (sign 1) or removes (sign −1) a word's pairs; collects those with `changed`, the only ones that grow. */
  private countPairs(word: number, sign: 1 | -1, changed?: number, grown?: Set<number>): void {
    const tokens = this.words[word];
    const amount = sign * this.counts[word];
    for (let i = 1; i < tokens.length; i++) {
      const pair = tokens[i - 1] * PAIR + tokens[i];
      this.pairCounts.set(pair, (this.pairCounts.get(pair) ?? 0) + amount);
      if (sign < 0 || (changed !== undefined && tokens[i - 1] !== changed && tokens[i] !== changed)) continue;
      const words = this.pairWords.get(pair);
      if (!words) this.pairWords.set(pair, [word]);
      else if (words[words.length - 1] !== word) words.push(word);
      grown?.add(pair);
    }
  }

  private isGreater(a: PairEntry, b: PairEntry): boolean {
    if (a.count !== b.count) return a.count > b.count;
    const leftA = this.bytes[Math.floor(a.pair / PAIR)];
    const leftB = this.bytes[Math.floor(b.pair / PAIR)];
    if (leftA !== leftB) return leftA > leftB;
    return this.bytes[a.pair % PAIR] > this.bytes[b.pair % PAIR];
  }
}

function replacePair(tokens: readonly number[], left: number, right: number, id: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      result.push(id);
      i++;
    } else result.push(tokens[i]);
  }
  return result;
}

interface PairEntry {
  readonly pair: number;
  readonly count: number;
}

/** A binary heap with the greatest entry on top. */
class PairHeap {
  private readonly entries: PairEntry[] = [];
  private readonly isGreater: (a: PairEntry, b: PairEntry) => boolean;

  constructor(isGreater: (a: PairEntry, b: PairEntry) => boolean) {
    this.isGreater = isGreater;
  }

  push(entry: PairEntry): void {
    const { entries } = this;
    let child = entries.push(entry) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.isGreater(entry, entries[parent])) break;
      entries[child] = entries[parent];
      child = parent;
    }
    entries[child] = entry;
  }

  pop(): PairEntry | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return top;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && this.isGreater(entries[child + 1], entries[child])) child++;
      if (!this.isGreater(entries[child], last)) break;
      entries[parent] = entries[child];
      parent = child;
    }
    entries[parent] = last;
    return top;
  }
}
