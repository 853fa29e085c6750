/**
 * A model's tokenizer: text to token ids and back, its special tokens, its chat template and its files.
 *
 * The work is done by @huggingface/tokenizers; this class adds what training needs: ids of the special tokens,
 * exact prompt/response boundaries, and the original files, so that a model saved later carries the tokenizer
 * it was trained with.
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { TenetError } from '../base/index.ts';
import type { AddedToken, TokenizerConfig, TokenizerJson } from './tokenizer-json.ts';
import { WordCache } from './word-cache.ts';

export interface EncodeOptions {
  /** True: add what the tokenizer adds by default (for example a leading bos). Default false. */
  addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** True: leave out control tokens such as bos and eos. Default false. */
  skipSpecialTokens?: boolean;
}

export class Tokenizer {
  /** Number of ids: highest id + 1, added tokens included. A model's embedding has at least this many rows. */
  readonly vocabSize: number;
  /** Token that begins a text, if there is one. */
  readonly bosId: number | null;
  /** Token that ends a text or a turn, if there is one. */
  readonly eosId: number | null;
  /** Token meant for padding, if there is one. Batches are masked, so any id does where there is none. */
  readonly padId: number | null;
  /** Jinja source of the model's own chat template, or null. */
  readonly chatTemplate: string | null;
  /** Name → bytes of the tokenizer's files (tokenizer.json, tokenizer_config.json, chat_template.jinja …). */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Ids of all control tokens. */
  readonly specialIds: ReadonlySet<number>;
  /** True: `addSpecialTokens` begins every text with bos. */
  readonly addsBos: boolean;
  /** True: tokens are named in byte stand-ins (GPT-2, Llama 3, Qwen); false: SentencePiece and others. */
  readonly isByteLevel: boolean;

  private readonly inner: HuggingFaceTokenizer;
  private readonly words: WordCache | null;
  private readonly addsEos: boolean;
  private readonly config: TokenizerConfig;
  private readonly json: TokenizerJson;

  /** Prefer {@link Tokenizer.fromJson} or `loadTokenizer`. */
  constructor(json: TokenizerJson, config: TokenizerConfig, files: ReadonlyMap<string, Uint8Array>) {
    const addedTokens = withConfiguredTokens(json, config);
    this.json = { ...json, added_tokens: addedTokens };
    this.config = config;
    this.files = files;
    try {
      this.inner = new HuggingFaceTokenizer(this.json, config);
    } catch (cause) {
      throw new TenetError(
        'model',
        `tokenizer.json cannot be read: ${(cause as Error).message}. Its model type is ` +
          `"${json.model?.type}"; supported are BPE, Unigram and WordPiece.`,
        { cause },
      );
    }
    this.words = WordCache.fits(this.json)
      ? new WordCache(this.json, (word) => this.encodeWhole(word))
      : null;
    this.vocabSize = 1 + Math.max(-1, ...maximumIds(this.inner));
    this.bosId = this.namedToken('bos_token');
    this.eosId = this.namedToken('eos_token');
    this.padId = this.namedToken('pad_token');
    this.chatTemplate = templateOf(config, files);
    this.specialIds = new Set([
      ...addedTokens.filter((token) => token.special).map((token) => token.id),
      ...[this.bosId, this.eosId, this.padId].filter((id) => id !== null),
    ]);
    this.isByteLevel = JSON.stringify(json.decoder ?? null).includes('"ByteLevel"');
    // What the post-processor adds is seen on an empty text; the configuration overrides it, as transformers does.
    const added = this.inner.encode('', { add_special_tokens: true }).ids;
    const isFirst = added[0] === this.bosId;
    const isLast = added.at(-1) === this.eosId && (!isFirst || added.length > 1); // bos may be the same token
    this.addsBos = this.bosId !== null && (config.add_bos_token ?? isFirst);
    this.addsEos = this.eosId !== null && (config.add_eos_token ?? isLast);
  }

  /** Builds a tokenizer from the parsed contents of tokenizer.json and tokenizer_config.json. */
  static fromJson(json: TokenizerJson | object, config: TokenizerConfig | object = {}): Tokenizer {
    const bytes = (value: object) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
    const files = new Map([
      ['tokenizer.json', bytes(json)],
      ['tokenizer_config.json', bytes(config)],
    ]);
    return new Tokenizer(json as TokenizerJson, config as TokenizerConfig, files);
  }

  /**
   * Token ids of a text. Names of control tokens inside the text (`</s>`, `<|im_end|>` …) become those tokens.
   * @returns [tokens] ids.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = this.words ? this.words.encode(text) : this.encodeWhole(text);
    const unknown = ids.findIndex((id) => typeof id !== 'number');
    if (unknown >= 0) {
      throw new TenetError(
        'data',
        `The text has a character that the tokenizer does not know and it has no unknown token: ` +
          `${JSON.stringify(text.slice(0, 80))}. Use a byte-level tokenizer, or remove the character.`,
      );
    }
    if (!options.addSpecialTokens) return ids;
    if (this.addsBos) ids.unshift(this.bosId!);
    if (this.addsEos) ids.push(this.eosId!);
    return ids;
  }

  /**
   * Token ids of `text` where it follows `before`, such that `encode(before)` followed by the result spells
   * `before + text`. Prompt ids are then the same in training and in generation, whatever response follows.
   * @returns [tokens] ids of `text` alone.
   */
  encodeAfter(before: string, text: string): number[] {
    if (text === '') return [];
    const joined = this.suffixAfter(endOf(before), text);
    if (joined) return joined;
    // A token spans the boundary. Encode the text behind a neutral anchor instead, so that tokenizers that put
    // a space before every text do not put one here.
    for (const anchor of ['\n', 'a', '.']) {
      const anchored = this.suffixAfter(anchor, text);
      if (anchored) return anchored;
    }
    return this.encode(text);
  }

  /** Text of token ids; bytes that are not valid UTF-8 become U+FFFD, and ids between others that no token has give none. */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const kept: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = Number(ids[i]);
      if (!(id >= 0 && id < this.vocabSize)) {
        throw new TenetError('data', `Token id ${id} is outside the vocabulary of ${this.vocabSize} tokens.`);
      }
      if (options.skipSpecialTokens && this.specialIds.has(id)) continue;
      if (this.tokenOf(id) !== null) kept.push(id);
    }
    if (kept.length === 0) return '';
    // English "clean-up" of spaces before punctuation is lossy; it happens only where the model asks for it.
    return this.inner.decode(kept, {
      clean_up_tokenization_spaces: this.config.clean_up_tokenization_spaces === true,
    });
  }

  /** The id of a token by its exact name in the vocabulary, or null. */
  idOf(token: string): number | null {
    return this.inner.token_to_id(token) ?? null;
  }

  /** The name of a token in the vocabulary, or null for an id that no token has. */
  tokenOf(id: number): string | null {
    return this.inner.id_to_token(id) ?? null;
  }

  /** A copy with another chat template, which travels in its files as `chat_template.jinja`. */
  withChatTemplate(source: string): Tokenizer {
    const files = new Map(this.files);
    files.set('chat_template.jinja', new TextEncoder().encode(source));
    return new Tokenizer(this.json, this.config, files);
  }

  private encodeWhole(text: string): number[] {
    return text === '' ? [] : this.inner.encode(text, { add_special_tokens: false }).ids;
  }

  private suffixAfter(before: string, text: string): number[] | null {
    const prefix = this.encode(before);
    const whole = this.encode(before + text);
    return prefix.every((id, i) => whole[i] === id) ? whole.slice(prefix.length) : null;
  }

  private namedToken(key: 'bos_token' | 'eos_token' | 'pad_token'): number | null {
    const content = contentOf(this.config[key]);
    if (content === null) return null;
    const id = this.idOf(content);
    if (id === null) {
      throw new TenetError(
        'model',
        `tokenizer_config.json names ${key} "${content}", but the vocabulary has no such token. ` +
          `Add it to added_tokens in tokenizer.json, or correct ${key}.`,
      );
    }
    return id;
  }
}

/** Merges do not look far back: what follows a text is decided by its last characters. */
const CONTEXT = 64;

function endOf(text: string): string {
  const end = text.slice(-CONTEXT);
  return /^[\uDC00-\uDFFF]/.test(end) ? end.slice(1) : end; // not from the middle of a surrogate pair
}

function contentOf(token: TokenizerConfig['bos_token']): string | null {
  if (token === undefined || token === null) return null;
  return typeof token === 'string' ? token : token.content;
}

/** Added tokens of tokenizer.json, completed by those that only the configuration names (as transformers does). */
function withConfiguredTokens(json: TokenizerJson, config: TokenizerConfig): AddedToken[] {
  const tokens = [...(json.added_tokens ?? [])];
  const known = new Set(tokens.map((token) => token.id));
  const configured = (config.added_tokens_decoder ?? {}) as Record<string, Omit<AddedToken, 'id'>>;
  for (const [id, token] of Object.entries(configured)) {
    if (!known.has(Number(id))) tokens.push({ ...token, content: token.content as string, id: Number(id) });
  }
  return tokens;
}

function maximumIds(inner: HuggingFaceTokenizer): number[] {
  let maximum = -1;
  for (const id of inner.get_vocab().values()) if (id > maximum) maximum = id;
  return [maximum];
}

function templateOf(config: TokenizerConfig, files: ReadonlyMap<string, Uint8Array>): string | null {
  const separate = files.get('chat_template.jinja');
  if (separate) return new TextDecoder().decode(separate);
  if (Array.isArray(config.chat_template)) {
    const named = config.chat_template.find((entry) => entry.name === 'default') ?? config.chat_template[0];
    return named?.template ?? null;
  }
  return config.chat_template ?? null;
}
