/** Keeps calls within what a provider allows: so many at once, so many requests and tokens in a minute. */

import { estimateTokens } from '../estimate-tokens.ts';
import type { LanguageModel } from '../language-model.ts';
import { failureDetails } from '../providers/provider-error.ts';
import { withLayer } from './layer.ts';
import { interrupted, onAbort } from './signals.ts';

export interface Limits {
  /** Calls under way at once. Default 16. */
  readonly concurrency?: number;
  /** Calls begun within any minute. Default no limit. */
  readonly requestsPerMinute?: number;
  /**
   * Tokens of input and output within any minute. What a call will use is estimated when it begins and corrected when
   * it ends. Default no limit.
   */
  readonly tokensPerMinute?: number;
}

const minuteMs = 60_000;

/** A call that began within the last minute. */
interface Begun {
  readonly at: number;
  tokens: number;
}

interface Waiting {
  readonly tokens: number;
  readonly begin: (begun: Begun) => void;
}

/** Lets calls begin in the order in which they came. Several models on one account share one gate. */
export class Gate {
  private readonly limits: Limits;
  private readonly now: () => number;
  private readonly waiting: Waiting[] = [];
  /** Of the last minute, oldest first. */
  private begun: Begun[] = [];
  private running = 0;
  private closedUntil = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds; for tests */
  constructor(limits: Limits = {}, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
  }

  /**
   * Waits for a place, runs the call and gives the place back.
   * @param tokens an estimate of what the call will use
   * @param used   what it did use, once that is known
   */
  async run<T>(
    tokens: number,
    call: () => Promise<T>,
    options: { readonly signal?: AbortSignal; readonly used: (result: T) => number },
  ): Promise<T> {
    const begun = await this.enter(tokens, options.signal);
    try {
      const result = await call();
      begun.tokens = options.used(result);
      return result;
    } finally {
      this.running--;
      this.admit();
    }
  }

  /** Lets no call begin for so many milliseconds: the provider has asked for a pause. */
  close(milliseconds: number): void {
    this.closedUntil = Math.max(this.closedUntil, this.now() + milliseconds);
  }

  private enter(tokens: number, signal: AbortSignal | undefined): Promise<Begun> {
    if (signal?.aborted) return Promise.reject(interrupted());
    return new Promise((resolve, reject) => {
      const place: Waiting = {
        tokens,
        begin: (begun) => {
          forget();
          resolve(begun);
        },
      };
      const forget = onAbort(signal, () => {
        this.waiting.splice(this.waiting.indexOf(place), 1);
        reject(interrupted());
        this.admit();
      });
      this.waiting.push(place);
      this.admit();
    });
  }

  /** Lets the first of those waiting begin, as many as may; comes back when the next one may. */
  private admit(): void {
    clearTimeout(this.timer);
    while (this.waiting.length > 0 && this.running < (this.limits.concurrency ?? 16)) {
      const waitMs = this.waitFor(this.waiting[0].tokens);
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.admit(), Math.ceil(waitMs));
        return;
      }
      const { tokens, begin } = this.waiting.shift()!;
      const begun = { at: this.now(), tokens };
      this.begun.push(begun);
      this.running++;
      begin(begun);
    }
  }

  /** Milliseconds until a call of so many tokens may begin. */
  private waitFor(tokens: number): number {
    const { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY } =
      this.limits;
    const now = this.now();
    if (now < this.closedUntil) return this.closedUntil - now;
    this.begun = this.begun.filter(({ at }) => now - at < minuteMs);
    const { begun } = this;
    if (begun.length >= requestsPerMinute) return begun[begun.length - requestsPerMinute].at + minuteMs - now;
    let total = begun.reduce((sum, one) => sum + one.tokens, 0) + tokens;
    // A call larger than the limit itself begins when nothing else counts.
    for (const one of begun) {
      if (total <= tokensPerMinute) break;
      total -= one.tokens;
      if (total <= tokensPerMinute || one === begun.at(-1)) return one.at + minuteMs - now;
    }
    return 0;
  }
}

/** The model behind a gate. A refusal that names a wait closes the gate for everyone until then. */
export function limitedModel(model: LanguageModel, gate: Gate, hiddenTokens: number = 0): LanguageModel {
  return withLayer(model, async (question, ask, call) => {
    const { input, output } = estimateTokens(question, hiddenTokens);
    return gate.run(
      input + output,
      async () => {
        try {
          return await ask(call);
        } catch (error) {
          const { retryAfterMs } = failureDetails(error) ?? {};
          if (retryAfterMs) gate.close(retryAfterMs);
          throw error;
        }
      },
      { signal: call.signal, used: ({ usage }) => usage.inputTokens + usage.outputTokens },
    );
  });
}
