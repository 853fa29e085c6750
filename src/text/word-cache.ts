/** A faster way to encode long texts with byte-level BPE: each distinct word is encoded once. */
import type { TokenizerJson } from './tokenizer-json.ts';

/** The words of GPT-2's splitting rule: contractions, words, numbers, other marks, white space. */
export const GPT2_SPLIT: RegExp =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Words kept; natural text has fewer distinct ones, and beyond this the cache starts anew to bound memory. */
const CAPACITY = 200_000;

/**
 * Encodes by splitting a text into words as GPT-2 does and looking each word up. Gives exactly the ids of the
 * full tokenizer, for tokenizers that are nothing but this splitting and merges within words.
 */
export class WordCache {
  private readonly ids = new Map<string, readonly number[]>();
  private readonly added: RegExp | null;
  private readonly encodeWord: (word: string) => number[];

  /** @param encodeWord the full tokenizer, applied to one word or one added token. */
  constructor(json: TokenizerJson, encodeWord: (word: string) => number[]) {
    const names = (json.added_tokens ?? []).map((token) => token.content).sort((a, b) => b.length - a.length);
    const alternatives = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
    this.added = alternatives === '' ? null : new RegExp(`(${alternatives})`);
    this.encodeWord = encodeWord;
  }

  /** True: the tokenizer splits as GPT-2 does and its added tokens match plainly, so the cache may stand in. */
  static fits(json: TokenizerJson): boolean {
    const split = json.pre_tokenizer as {
      type?: string;
      use_regex?: boolean;
      add_prefix_space?: boolean;
    } | null;
    const plain = (json.added_tokens ?? []).every(
      (t) => t.content && !t.lstrip && !t.rstrip && !t.single_word,
    );
    return (
      !json.normalizer &&
      split?.type === 'ByteLevel' &&
      split.use_regex !== false &&
      !split.add_prefix_space &&
      json.model.type === 'BPE' &&
      plain
    );
  }

  /** [tokens] ids of a text. */
  encode(text: string): number[] {
    const result: number[] = [];
    const parts = this.added ? text.split(this.added) : [text];
    parts.forEach((part, i) => {
      // `split` puts the matched added tokens at the odd places.
      for (const word of i % 2 === 1 ? [part] : (part.match(GPT2_SPLIT) ?? [])) {
        for (const id of this.lookUp(word)) result.push(id);
      }
    });
    return result;
  }

  private lookUp(word: string): readonly number[] {
    const known = this.ids.get(word);
    if (known) return known;
    if (this.ids.size >= CAPACITY) this.ids.clear();
    const ids = this.encodeWord(word);
    this.ids.set(word, ids);
    return ids;
  }
}
