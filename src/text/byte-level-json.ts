/** Writes the `tokenizer.json` of a byte-level BPE tokenizer with GPT-2's splitting rules. */
import type { TokenizerJson } from './tokenizer-json.ts';

export interface ByteLevelBpe {
  /** Token name (bytes as stand-in characters) → id; special tokens included. */
  vocab: Record<string, number>;
  /** Pairs of token names, earliest merge first. */
  merges: readonly (readonly [string, string])[];
  /** Names of control tokens; each is in `vocab`. */
  specialTokens: readonly string[];
  /** True: put a space before a text that has none, so that its first word is spelled as in mid-sentence. */
  addPrefixSpace: boolean;
  /** The special token that begins every text, if any. */
  bosToken?: string;
}

/** The content of `tokenizer.json`, in the layout of Hugging Face tokenizers. */
export function byteLevelTokenizerJson(bpe: ByteLevelBpe): TokenizerJson {
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: bpe.addPrefixSpace,
    trim_offsets: true,
    use_regex: true,
  };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: bpe.specialTokens.map((content) => ({
      id: bpe.vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: bpe.bosToken ? withBos(bpe.bosToken, bpe.vocab) : { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: bpe.vocab,
      merges: bpe.merges,
    },
  };
}

function withBos(bosToken: string, vocab: Readonly<Record<string, number>>): object {
  const bos = { SpecialToken: { id: bosToken, type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: [bos, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [bos, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bosToken]: { id: bosToken, ids: [vocab[bosToken]], tokens: [bosToken] } },
  };
}
