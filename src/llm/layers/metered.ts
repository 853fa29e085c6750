/** Tells of every call, for accounts and for displays. */
import { TenetError } from '../../base/index.ts';
import type { LanguageModel, Usage } from '../language-model.ts';
import { type Question, withLayer } from './layer.ts';

export interface CallRecord {
  /** `LanguageModel.id`. */
  readonly model: string;
  readonly kind: Question['kind'];
  /** Null for a call that failed. */
  readonly usage: Usage | null;
  /** Why it failed, or null. */
  readonly error: TenetError | null;
}

/** The model, with every call told of as it ends. */
export function meteredModel(model: LanguageModel, onCall: (call: CallRecord) => void): LanguageModel {
  return withLayer(model, async ({ kind }, ask, options) => {
    try {
      const answer = await ask(options);
      onCall({ model: model.id, kind, usage: answer.usage, error: null });
      return answer;
    } catch (error) {
      if (TenetError.is(error)) onCall({ model: model.id, kind, usage: null, error });
      throw error;
    }
  });
}

/** Sums of calls. */
export class CallTally {
  calls = 0;
  /** Answered from the cache. */
  cached = 0;
  failed = 0;
  inputTokens = 0;
  outputTokens = 0;
  /** US dollars paid now, without what came from the cache; of calls whose price is not known, nothing. */
  costUsd = 0;
  /** Calls whose price is not known. */
  unpriced = 0;
  /** Milliseconds of all calls together. */
  latencyMs = 0;

  /** To be given as `onCall`. */
  readonly add = ({ usage }: CallRecord): void => {
    this.calls++;
    if (!usage) this.failed++;
    else if (usage.cached) this.cached++;
    else {
      this.inputTokens += usage.inputTokens;
      this.outputTokens += usage.outputTokens;
      this.latencyMs += usage.latencyMs;
      if (usage.costUsd === null) this.unpriced++;
      else this.costUsd += usage.costUsd;
    }
  };
}
