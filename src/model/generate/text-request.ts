/** What is asked of a text generator, and what it gives. */
import type { ChatMessage } from '../../text/index.ts';
import type { TokenAlternatives } from './generation.ts';
import type { GenerateOptions } from './generator.ts';
import type { SamplingOptions } from './sampling.ts';

/** Options of one response; sampling options left out come from the model's `generation_config.json`. */
export interface TextOptions extends SamplingOptions {
  /** Most tokens to generate. Default: what the model's folder says, else 256; never past its context. */
  readonly maxNewTokens?: number;
  /** Texts that end the response; it is cut before them. Default none. */
  readonly stop?: readonly string[];
  /** Ids that end the response besides the model's own. */
  readonly stopIds?: readonly number[];
  /** Seed of the draws. Default: the request's place in the list, from 0. */
  readonly seed?: number;
  /** Also tell, for each token, so many of the likeliest tokens in its place. Default: nothing about them. */
  readonly alternatives?: number;
}

/** A conversation to answer, or a text to continue: one of the two. */
export interface TextRequest {
  /** Goes through the chat template; the response is the assistant's turn, without white space around it. */
  readonly messages?: readonly ChatMessage[];
  /** True: a last message of the assistant is the beginning of the response. Default false: a turn that has ended. */
  readonly continueFinal?: boolean;
  /**
   * A text, continued as it is, behind the token that begins a text if the tokenizer puts one there; or token ids,
   * with nothing added.
   */
  readonly prompt?: string | readonly number[];
  /**
   * True: the response begins with the prompt's tokens but the first, to learn how likely they are; `maxNewTokens`
   * counts those behind them and may be 0. What would end the response does not where it is part of the prompt. Default
   * false.
   */
  readonly echo?: boolean;
  readonly options?: TextOptions;
}

export interface TextGeneration {
  /** Whole characters; without control tokens, before the stop string. */
  readonly text: string;
  /** 'stop': an end token or a stop string; 'length': the limit was reached. */
  readonly finish: 'stop' | 'length';
  /** The stop string that ended it, or null. */
  readonly stopString: string | null;
  readonly promptTokens: number;
  /** All tokens behind the prompt, or with `echo` behind its first one; those of an end token or a stop string included. */
  readonly ids: Int32Array;
  /** Log-probability of each under the full distribution at the request's temperature, nats. */
  readonly logProbs: Float32Array;
  /** One per token, where asked for. */
  readonly alternatives?: readonly TokenAlternatives[];
}

/** How likely a model is to continue a prompt with a certain text. */
export interface Continuation {
  /** The text's tokens as they follow the prompt. */
  readonly ids: readonly number[];
  /** Log-probability of each at temperature 1, nats. */
  readonly logProbs: Float32Array;
}

export interface TextCallOptions extends Pick<GenerateOptions, 'onPrompt' | 'onRead'> {
  /** Told each piece of text as soon as it is certain. A request's pieces, joined, are its text. */
  readonly onText?: (request: number, piece: string) => void;
  readonly onFinish?: (request: number, generation: TextGeneration) => void;
  /** Ends generation with TenetError('interrupted'). */
  readonly signal?: AbortSignal;
}
