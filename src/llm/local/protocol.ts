/** What a local engine and its thread say to each other. */
import type { WorkerGreeting } from '../../base/index.ts';
import type { StateProbe, TextRequest } from '../../model/index.ts';

/** How to load a model. */
export interface EngineOptions {
  /** Threads inside one operator. Default: the machine's cores. */
  readonly threads?: number;
  /** Sequences decoded at once. Higher is faster per token and takes more memory. Default 64. */
  readonly batchSize?: number;
  /** Jinja source used in place of the model's own chat template. */
  readonly chatTemplate?: string;
  /** Linear probes on the model's hidden states, whose numbers requests may ask for. Default none. */
  readonly probe?: StateProbe;
}

/** What the thread is given when it starts. */
export interface EngineJob {
  readonly folder: string;
  readonly options: EngineOptions;
}

/** What is known of a model once it is loaded. */
export interface EngineFacts {
  /** `sha256:…` over all files that decide an answer. */
  readonly hash: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextLength: number;
  /** `own`: the model's; `plain`: the Human/Assistant layout; `none`: the model can only continue texts. */
  readonly template: 'own' | 'plain' | 'none';
  /** `sha256:…` of the chat template's source; null without one. */
  readonly templateHash: string | null;
}

/** A token as it is chosen. */
export interface EngineToken {
  readonly id: number;
  /** What the token stands for, alone; incomplete characters are U+FFFD. */
  readonly text: string;
  readonly bytes: readonly number[];
  /** True: a control token, such as the one that ends a text; it gives no text. */
  readonly isControl: boolean;
  /** Only where asked for; with texts and bytes of the other tokens. */
  readonly alternatives?: {
    readonly logProb: number;
    readonly likeliest: readonly (Omit<EngineToken, 'alternatives'> & { readonly logProb: number })[];
  };
}

export interface EngineAnswer {
  readonly text: string;
  readonly finish: 'stop' | 'length';
  /** The stop text that ended it, or null. */
  readonly stopString: string | null;
  readonly promptTokens: number;
  /** The end token included. */
  readonly outputTokens: number;
  /** Where a probe's numbers were asked for: [tokens, N] those of the tokens behind the last piece of text. */
  readonly probe?: Float32Array;
}

/** How likely a text is behind a prompt. */
export interface EngineContinuation {
  readonly ids: readonly number[];
  /** Natural logarithm of the probability of the whole text. */
  readonly logProb: number;
}

export interface EngineScores {
  readonly promptTokens: number;
  readonly continuations: readonly EngineContinuation[];
}

export type ToEngine =
  | {
      readonly kind: 'generate';
      readonly id: number;
      readonly request: TextRequest;
      readonly follow: boolean;
      /** True: a probe's numbers are told, and nothing of a token before they are known. */
      readonly probe: boolean;
    }
  | {
      readonly kind: 'score';
      readonly id: number;
      readonly request: TextRequest;
      readonly texts: readonly string[];
    }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'close' };

/** What is told of a request before its answer. */
export type EngineNews =
  | { readonly kind: 'token'; readonly id: number; readonly token: EngineToken }
  | {
      readonly kind: 'text';
      readonly id: number;
      readonly piece: string;
      /** [tokens, N] of the tokens that were read since the piece before. */
      readonly probe?: Float32Array;
    }
  | { readonly kind: 'prompt'; readonly id: number; readonly probe: Float32Array };

export type FromEngine = WorkerGreeting<EngineFacts> | EngineNews;
