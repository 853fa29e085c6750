/** What is asked of a generator, and what it gives. */
import type { SamplingOptions } from './sampling.ts';

export interface GenerationRequest extends SamplingOptions {
  /** Token ids, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Most tokens to generate, the stop token included. */
  readonly maxNewTokens: number;
  /** Ids that end the response; the id itself is part of it. Default: none. */
  readonly stopIds?: readonly number[];
  /** Seed of this request's draws. Default 0. */
  readonly seed?: number;
  /** Called with each token in order; true ends the response after it (for stop strings). */
  readonly shouldStop?: (id: number) => boolean;
  /**
   * Tokens that the response begins with in place of drawn ones, to learn how likely they are; none of them ends it.
   * Default: none.
   */
  readonly forced?: ArrayLike<number>;
  /** Also tell, for each token, so many of the likeliest tokens in its place. Default: nothing about them. */
  readonly alternatives?: number;
}

/** Why a response ended: a stop id, `shouldStop`, or its length limit. */
export type FinishReason = 'stop' | 'stopped' | 'length';

export interface Generation {
  /** The response's token ids, the stop id included. */
  readonly ids: Int32Array;
  /** Log-probability of each under the full distribution at the request's temperature (1 if it is 0), nats. */
  readonly logProbs: Float32Array;
  readonly finish: FinishReason;
  /** One per token, where asked for. */
  readonly alternatives?: readonly TokenAlternatives[];
}

/** A token's place under the model's own distribution, at temperature 1 and before any filter or penalty. */
export interface TokenAlternatives {
  /** Of the token itself, nats. */
  readonly logProb: number;
  /** Likeliest first. */
  readonly likeliest: readonly { readonly id: number; readonly logProb: number }[];
}

/** Told about a request while it is generated. */
export interface GenerationEvents {
  /** As soon as a token is chosen. */
  readonly onToken?: (id: number, logProb: number, alternatives?: TokenAlternatives) => void;
  /** Where the generator has a probe: its numbers for every token of the prompt, [T, N], before a token is chosen. */
  readonly onPrompt?: (numbers: Float32Array) => void;
  /**
   * The same for each token of the response, [N], once the model has read it, which is before the next one is chosen. The
   * last token is read too, at the price of a step; a stop id, which ends the text, is not.
   */
  readonly onRead?: (numbers: Float32Array) => void;
  /** As soon as the response is complete. */
  readonly onFinish?: (generation: Generation) => void;
}
