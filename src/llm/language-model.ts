/**
 * The one interface through which everything in Tenet speaks to a language model: the local engine or a provider.
 *
 * Critique, comparison, judges and guards are written against it, so each of them runs on a model of 260 thousand
 * parameters on a laptop and on a hosted one alike.
 */

import type { Json } from '../base/index.ts';

export type JsonObject = { readonly [key: string]: Json };

/** One turn of a conversation. A trailing `assistant` message is the beginning of the answer, to be continued. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What decides an answer. Everything in it is part of the cache's key. */
export interface ChatRequest {
  readonly messages: readonly Message[];
  /** 0 = the most likely token. Default 1. */
  readonly temperature?: number;
  /** Keeps the smallest set of tokens whose probability reaches this. Default 1 = all. */
  readonly topP?: number;
  /** Most tokens of the answer. Default 512. */
  readonly maxTokens?: number;
  /** Texts that end the answer; they are not part of it. Default none. */
  readonly stop?: readonly string[];
  /**
   * Same seed, same answer, where the model supports it (local always). Default none. Two requests that are equal,
   * the seed included, are one request: give samples of the same conversation different seeds.
   */
  readonly seed?: number;
  /**
   * Asks for JSON of this form. Models with structured output are held to it; the others only know of it what the
   * messages say, so that an answer has to be checked in any case. `chatJson` does both.
   */
  readonly json?: JsonFormat;
}

export interface JsonFormat {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  /** JSON Schema; objects with all properties required and no others are what most providers can hold to. */
  readonly schema: JsonObject;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Told the answer of `chat` piece by piece as it is written, by models that write piece by piece. What counts is the
   * answer at the end: a call that a layer makes again begins anew, and one answered from a cache tells no pieces.
   */
  readonly onText?: (piece: string) => void;
}

/** What a call used. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars; 0 for local models, null when the price is not known. From the cache: what it cost when made. */
  readonly costUsd: number | null;
  /** From the first byte sent to the last received, retries included; 0 when it came from the cache. */
  readonly latencyMs: number;
  /** True: answered from the cache, so nothing was paid for it now. */
  readonly cached: boolean;
}

export interface ChatAnswer {
  readonly text: string;
  /** `stop`: ended by itself or at a stop text; `length`: cut at maxTokens; `filter`: withheld by the provider. */
  readonly finish: 'stop' | 'length' | 'filter';
  readonly usage: Usage;
}

/**
 * A question with a closed set of answers, such as which of two responses is better.
 *
 * From log-probabilities, `temperature` raises the options' probabilities to 1/temperature before they are scaled
 * (0 gives all to the likeliest), and `topP` and `seed` play no part. Votes are drawn with all three.
 */
export interface ChoiceRequest extends Omit<ChatRequest, 'maxTokens' | 'stop' | 'json'> {
  /** The possible continuations of the answer, such as `A` and `B`; at least two, all different, none empty. */
  readonly options: readonly string[];
  /** Answers sampled where log-probabilities are not to be had. Default 5. */
  readonly votes?: number;
}

export interface Choice {
  /** One per option, in order; they sum to 1. */
  readonly probabilities: readonly number[];
  /**
   * How they were found: `log-probs`: exactly, from the model's own distribution; `votes`: as shares of sampled
   * answers. Recorded with every label, because the two are not equally fine.
   */
  readonly method: 'log-probs' | 'votes';
  /** Probability that the model gave to the options together before they were scaled to 1; with votes, the share
   * of answers that named an option. Low values mean that the model did not understand the question. */
  readonly mass: number;
  readonly usage: Usage;
}

export interface LanguageModel {
  /** Names model and version in labels and caches: `local:<folder name>@<hash of the weights>`, `openai:gpt-…`. */
  readonly id: string;
  /** True: `choose` answers from log-probabilities. */
  readonly exactChoices: boolean;
  /**
   * Answers a conversation.
   * @throws TenetError('provider') when the model cannot be reached or refuses the request after all retries;
   *   TenetError('interrupted') when the signal is aborted
   */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatAnswer>;
  /** Probabilities of the options as the next words of the answer. Throws as `chat` does. */
  choose(request: ChoiceRequest, options?: CallOptions): Promise<Choice>;
  /** Frees what the model holds: sessions, connections. */
  close(): Promise<void>;
}
