/** Answers of language models, kept so that none is paid for twice. */
import type { Json } from '../base/index.ts';

/** What a stored call used, for accounting. */
export interface CallMeta {
  /** `LanguageModel.id`. */
  readonly model: string;
  /** US dollars; null when the price is not known. */
  readonly costUsd: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly latencyMs: number;
}

/** What the stored calls of a model used together. */
export interface CallTotals {
  readonly model: string;
  readonly calls: number;
  /** US dollars of the calls whose price is known. */
  readonly costUsd: number;
  /** Calls whose price is not known. */
  readonly unpricedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly latencyMs: number;
}

export interface CallCache {
  /** The stored answer, or null. @param key names model, parameters and messages, e.g. a hash of them */
  get(key: string): Promise<Json | null>;
  /**
   * Stores an answer whole or not at all; when it returns, the answer survives a crash. The first answer under a key
   * stays, so that processes that asked at the same time go on with the same one.
   * @returns the answer that holds from now on
   */
  put(key: string, answer: Json, meta: CallMeta): Promise<Json>;
  /** Usage of all stored calls, by model. */
  totals(): Promise<CallTotals[]>;
  /** Forgets answers: all, or those of a model. @returns how many */
  clear(model?: string): Promise<number>;
}
