/**
 * Turns examples into tokens: what the model reads, and which of it the loss counts.
 *
 * Nothing is cut or left out silently: every encoder takes a policy for what is too long and counts what it did.
 */
import { TenetError } from '../base/index.ts';
import { type ChatMessage, ChatTemplate, type RenderOptions, type Tokenizer } from '../text/index.ts';
import type { Example, ExampleExtras, RankingExample } from './example.ts';
import type { ObjectivesLabels } from './objective-labels.ts';
import type { Content } from './record.ts';
import type { TokenExample } from './token-batch.ts';

export interface EncoderOptions {
  tokenizer: Tokenizer;
  /** Chat template for messages. Default the tokenizer's own, or else the plain Human/Assistant one. */
  template?: ChatTemplate;
  /** True: end plain texts and plain completions with eos, so that the model learns to stop. Default true (TRL). */
  appendEos?: boolean;
  /**
   * True: read plain prompts as a user's message and plain completions as the assistant's answer, and put them
   * through the chat template. Default false: plain texts are joined as they are (TRL's standard format).
   */
  wrapInChat?: boolean;
  /** Longest example, in tokens, prompt and response together. Default no limit. */
  maxLength?: number;
  /** A date for templates that print one. Default none. */
  date?: Date;
}

/** What encoding did, for reports; all in examples unless said otherwise. */
export interface EncodeCounts {
  /** Given to the encoder. */
  examples: number;
  /** Given out; more than `examples` where long texts were split. */
  encoded: number;
  /** Longer than maxLength, and cut. */
  truncated: number;
  /** Longer than maxLength, and left out. */
  tooLong: number;
  /** Left out because no token would count in the loss (empty response, or all of it cut away). */
  nothingCounted: number;
  /** Tokens given out. */
  tokens: number;
  /** Tokens given out that count in the loss. */
  countedTokens: number;
}

/** Prompt and responses of one comparison, in tokens. */
export interface EncodedRanking {
  /** [prompt tokens] */
  readonly prompt: Int32Array;
  /** [K] of [response tokens]; what ends the response is part of it. */
  readonly responses: readonly Int32Array[];
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  /** How much better the first is than the second, in the data's units (pairs only). */
  readonly margin?: number;
  /** Soft labels, [K][K]: probability that response i is better than response j; null = not judged. */
  readonly preferences?: readonly (readonly (number | null)[])[];
  /** Judgements by one objective each. */
  readonly objectives?: ObjectivesLabels;
}

/** A preference pair in tokens. */
export interface EncodedPreference {
  /** [prompt tokens] */
  readonly prompt: Int32Array;
  /** [response tokens] */
  readonly chosen: Int32Array;
  /** [response tokens] */
  readonly rejected: Int32Array;
  /** How much better chosen is, in the data's units. */
  readonly margin?: number;
}

/** One judged response in tokens. */
export interface EncodedJudged {
  readonly prompt: Int32Array;
  readonly response: Int32Array;
  /** True: desirable. */
  readonly label: boolean;
}

/** For training texts that are too long: keep the start, cut into pieces that all are kept, leave out, or refuse. */
export type LongTextPolicy = 'truncate' | 'split' | 'drop' | 'error';

/**
 * For prompt and responses that are too long together: leave out, cut the start of the prompt, cut the end of the
 * responses (which loses their eos), or refuse.
 */
export type LongPairPolicy = 'drop' | 'truncate-prompt' | 'truncate-response' | 'error';

export interface TextPolicy {
  /** Default 'truncate' (TRL SFT). */
  tooLong?: LongTextPolicy;
  /**
   * 'auto' (default): responses count where the example has a prompt or messages, all tokens of a plain text.
   * 'all': every token counts.
   */
  lossOn?: 'auto' | 'all';
}

/** Encodes examples with one tokenizer and counts what it did. Make one per data set. */
export class Encoder {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly counts: EncodeCounts = {
    examples: 0,
    encoded: 0,
    truncated: 0,
    tooLong: 0,
    nothingCounted: 0,
    tokens: 0,
    countedTokens: 0,
  };
  private readonly appendEos: boolean;
  private readonly wrapInChat: boolean;
  private readonly maxLength: number;
  private readonly date: Date | undefined;

  /** @throws TenetError('usage') when eos is to be appended and the tokenizer has none, or maxLength is below 2. */
  constructor(options: EncoderOptions) {
    this.tokenizer = options.tokenizer;
    this.template = options.template ?? new ChatTemplate(options.tokenizer);
    this.appendEos = options.appendEos ?? true;
    this.wrapInChat = options.wrapInChat ?? false;
    this.maxLength = options.maxLength ?? Number.POSITIVE_INFINITY;
    this.date = options.date;
    if (this.appendEos && this.tokenizer.eosId === null) {
      throw new TenetError(
        'usage',
        'appendEos is on, but the tokenizer has no eos token. Name one in tokenizer_config.json, or set appendEos ' +
          'to false; the model then does not learn to stop.',
      );
    }
    if (!(this.maxLength >= 2)) {
      throw new TenetError('usage', `maxLength is ${options.maxLength}; an example needs at least 2 tokens.`);
    }
  }

  /**
   * Training texts of an example: usually one, several where a long text is split, none where it is left out.
   * @throws TenetError('data') for examples that are not training texts (prompts alone, rankings).
   */
  encodeText(example: Example, policy: TextPolicy = {}): TokenExample[] {
    this.counts.examples++;
    const whole = this.textTokens(example);
    if (policy.lossOn === 'all') whole.counted.fill(1);
    const pieces = this.cutText(whole, policy.tooLong ?? 'truncate');
    const kept = pieces.filter((piece) => piece.counted.subarray(1).includes(1));
    if (kept.length === 0 && pieces.length > 0) this.counts.nothingCounted++;
    for (const piece of kept) this.count(piece.ids.length, sum(piece.counted.subarray(1)));
    return kept;
  }

  /**
   * Token ids of a prompt, ready to be continued by the model; null where it is too long and left out.
   * @param reserve tokens kept free for the response, within maxLength.
   * @param tooLong default 'drop'; 'truncate-prompt' keeps the end of the prompt.
   */
  encodePrompt(
    example: Example,
    options: { reserve?: number; tooLong?: 'drop' | 'truncate-prompt' | 'error' } = {},
  ): Int32Array | null {
    this.counts.examples++;
    const prompt = this.openPrompt(promptOf(example), example).ids;
    const fitted = this.cutPair(prompt, [new Int32Array(options.reserve ?? 0)], options.tooLong ?? 'drop');
    if (!fitted) return null;
    this.count(fitted.prompt.length, 0);
    return fitted.prompt;
  }

  /** K responses to one prompt; null where left out. @param tooLong default 'drop' */
  encodeRanking(example: Example, tooLong: LongPairPolicy = 'drop'): EncodedRanking | null {
    const ranking = asRanking(example);
    this.counts.examples++;
    const prompt = this.openPrompt(ranking.prompt, ranking);
    const responses = ranking.responses.map((response) => this.responseTokens(prompt, response, ranking));
    const fitted = this.cutPair(prompt.ids, responses, tooLong);
    if (!fitted) return null;
    if (fitted.responses.some((response) => response.length === 0)) {
      this.counts.nothingCounted++;
      return null;
    }
    const counted = fitted.responses.reduce((total, response) => total + response.length, 0);
    this.count(fitted.prompt.length + counted, counted);
    const { ranks, margin, preferences, objectives } = ranking;
    return {
      ...fitted,
      ranks,
      ...(margin !== undefined && { margin }),
      ...(preferences !== undefined && { preferences }),
      ...(objectives !== undefined && { objectives }),
    };
  }

  /** A pair; null where left out. @throws TenetError('data') for rankings that are not a decided pair. */
  encodePreference(example: Example, tooLong: LongPairPolicy = 'drop'): EncodedPreference | null {
    const { ranks, responses } = asRanking(example);
    const [first, second] = ranks;
    if (responses.length !== 2 || first === null || second === null || first === second) {
      throw new TenetError(
        'data',
        `A preference needs two responses, one ranked better; got ranks [${ranks.join(', ')}]. ` +
          'Convert rankings to pairs first.',
      );
    }
    const encoded = this.encodeRanking(example, tooLong);
    if (!encoded) return null;
    const [chosen, rejected] =
      first < second ? encoded.responses : [encoded.responses[1], encoded.responses[0]];
    const pair = { prompt: encoded.prompt, chosen, rejected };
    return encoded.margin === undefined ? pair : { ...pair, margin: encoded.margin };
  }

  /** A response judged alone; null where left out. */
  encodeJudged(example: Example, tooLong: LongPairPolicy = 'drop'): EncodedJudged | null {
    if (example.kind !== 'completion' || example.label === undefined) {
      throw new TenetError('data', 'An unpaired preference needs a prompt, a completion and a label.');
    }
    const asPair: RankingExample = {
      ...example,
      kind: 'ranking',
      responses: [example.completion],
      ranks: [null],
    };
    const encoded = this.encodeRanking(asPair, tooLong);
    return encoded && { prompt: encoded.prompt, response: encoded.responses[0], label: example.label };
  }

  private textTokens(example: Example): { ids: Int32Array; counted: Uint8Array } {
    if (example.kind === 'text') {
      const ids = this.withBos(this.tokenizer.encode(example.text));
      return allCounted(this.withEos(ids));
    }
    if (example.kind === 'chat') {
      const { ids, assistantMask } = this.template.encodeChat(example.messages, this.renderOptions(example));
      return { ids: Int32Array.from(ids), counted: assistantMask };
    }
    if (example.kind === 'completion') {
      const prompt = this.openPrompt(example.prompt, example);
      const response = this.responseTokens(prompt, example.completion, example);
      const ids = new Int32Array(prompt.ids.length + response.length);
      ids.set(prompt.ids);
      ids.set(response, prompt.ids.length);
      return { ids, counted: new Uint8Array(ids.length).fill(1, prompt.ids.length) };
    }
    throw new TenetError(
      'data',
      `A ${example.kind} example is no training text; give texts, conversations or prompts with completions.`,
    );
  }

  private openPrompt(prompt: Content, extras: ExampleExtras): OpenPrompt {
    const messages =
      typeof prompt !== 'string' ? prompt : this.wrapInChat ? [{ role: 'user', content: prompt }] : null;
    if (messages === null) {
      const text = prompt as string;
      return { messages, text, ids: Int32Array.from(this.withBos(this.tokenizer.encode(text))) };
    }
    // After a finished turn of the assistant somebody else speaks, so no header of the assistant is written.
    const addGenerationPrompt = messages.at(-1)?.role !== 'assistant';
    const text = this.template.render(messages, { ...this.renderOptions(extras), addGenerationPrompt });
    return { messages, text, ids: Int32Array.from(this.tokenizer.encode(text)) };
  }

  /** [response tokens] as they follow the prompt's. */
  private responseTokens(prompt: OpenPrompt, response: Content, extras: ExampleExtras): Int32Array {
    if (prompt.messages === null) {
      const text = typeof response === 'string' ? response : this.template.render(response);
      return Int32Array.from(this.withEos(this.tokenizer.encodeAfter(prompt.text, text)));
    }
    const answer = typeof response === 'string' ? [{ role: 'assistant', content: response }] : response;
    const whole = this.template.render([...prompt.messages, ...answer], this.renderOptions(extras));
    const at = prompt.text.length;
    if (!whole.startsWith(prompt.text)) {
      throw new TenetError(
        'data',
        `The chat template writes the prompt differently when the response follows: it ends ` +
          `${JSON.stringify(prompt.text.slice(-40))} alone, and the whole has ` +
          `${JSON.stringify(whole.slice(Math.max(0, at - 40), at))} there. ` +
          `Use a template made for training (prefix-preserving).`,
      );
    }
    return Int32Array.from(this.tokenizer.encodeAfter(prompt.text, whole.slice(at)));
  }

  private renderOptions(extras: ExampleExtras): RenderOptions {
    return { tools: extras.tools, variables: extras.chat_template_kwargs, date: this.date };
  }

  private withBos(ids: number[]): number[] {
    return this.tokenizer.addsBos && ids[0] !== this.tokenizer.bosId ? [this.tokenizer.bosId!, ...ids] : ids;
  }

  private withEos(ids: number[]): number[] {
    return this.appendEos && ids.at(-1) !== this.tokenizer.eosId ? [...ids, this.tokenizer.eosId!] : ids;
  }

  private cutText(whole: { ids: Int32Array; counted: Uint8Array }, policy: LongTextPolicy): TokenExample[] {
    const size = whole.ids.length;
    if (size <= this.maxLength) return [whole];
    if (policy === 'error') throw this.longError(size);
    if (policy === 'drop') {
      this.counts.tooLong++;
      return [];
    }
    this.counts.truncated++;
    const end = policy === 'truncate' ? this.maxLength : size;
    const pieces: TokenExample[] = [];
    for (let start = 0; start < end; start += this.maxLength) {
      const stop = Math.min(end, start + this.maxLength);
      pieces.push({ ids: whole.ids.slice(start, stop), counted: whole.counted.slice(start, stop) });
    }
    return pieces;
  }

  private cutPair(
    prompt: Int32Array,
    responses: Int32Array[],
    policy: LongPairPolicy,
  ): { prompt: Int32Array; responses: Int32Array[] } | null {
    const longest = Math.max(...responses.map((response) => response.length));
    const size = prompt.length + longest;
    if (size <= this.maxLength) return { prompt, responses };
    if (policy === 'error') throw this.longError(size);
    const room = this.maxLength - (policy === 'truncate-prompt' ? longest : prompt.length);
    if (policy === 'drop' || room < 1) {
      this.counts.tooLong++;
      return null;
    }
    this.counts.truncated++;
    if (policy === 'truncate-prompt') return { prompt: prompt.slice(prompt.length - room), responses };
    return { prompt, responses: responses.map((response) => response.slice(0, room)) };
  }

  private longError(size: number): TenetError {
    return new TenetError(
      'data',
      `An example has ${size} tokens; maxLength is ${this.maxLength}. Raise it, or choose a policy for long examples.`,
    );
  }

  private count(tokens: number, counted: number): void {
    this.counts.encoded++;
    this.counts.tokens += tokens;
    this.counts.countedTokens += counted;
  }
}

/** A prompt up to where the response begins. */
interface OpenPrompt {
  /** null: the prompt is plain text. */
  messages: ChatMessage[] | null;
  text: string;
  /** [prompt tokens] */
  ids: Int32Array;
}

/** The prompt of any example that has one. */
export function promptOf(example: Example): Content {
  if (example.kind === 'text' || example.kind === 'chat') {
    throw new TenetError(
      'data',
      `A ${example.kind} example has no prompt of its own; convert it to prompt-only.`,
    );
  }
  return example.prompt;
}

function asRanking(example: Example): RankingExample {
  if (example.kind === 'ranking') return example;
  throw new TenetError('data', `A ${example.kind} example is no comparison; give preferences or rankings.`);
}

function allCounted(ids: number[]): { ids: Int32Array; counted: Uint8Array } {
  return { ids: Int32Array.from(ids), counted: new Uint8Array(ids.length).fill(1) };
}

function sum(values: Uint8Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
