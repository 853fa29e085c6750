/**
 * Retries with exponential back-off and full jitter (Brooker 2015, "Exponential backoff and jitter"), and with the
 * patience that a provider asks for where it names one.
 */
import { Random, TenetError } from '../../base/index.ts';
import type { LanguageModel } from '../language-model.ts';
import { failureDetails } from '../providers/provider-error.ts';
import { type Answered, withLayer } from './layer.ts';
import { pause } from './signals.ts';

export interface RetryOptions {
  /** Further attempts after the first. Default 8: with the waits below, about four minutes. */
  readonly retries?: number;
  /** Milliseconds; the first wait is drawn from 0 to this, and each further one from twice as many. Default 1000. */
  readonly firstWaitMs?: number;
  /** Milliseconds; the longest wait of our own. Default 60,000. */
  readonly longestWaitMs?: number;
  /** Milliseconds; a provider that asks for a longer wait fails the call. Default 10 minutes. */
  readonly longestRetryAfterMs?: number;
  /** Told of each failure that is followed by another attempt. */
  readonly onRetry?: (retry: Retry) => void;
}

export interface Retry {
  readonly error: TenetError;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
}

export const retryDefaults = {
  retries: 8,
  firstWaitMs: 1000,
  longestWaitMs: 60_000,
  longestRetryAfterMs: 600_000,
} as const;

/** The model, with failures that may pass tried again. Only the last one is thrown, with the number of attempts. */
export function retriedModel(model: LanguageModel, options: RetryOptions = {}): LanguageModel {
  const { retries, firstWaitMs, longestWaitMs, longestRetryAfterMs } = { ...retryDefaults, ...options };
  // Only when things are done again depends on this chance, and it has to differ between processes.
  const random = new Random(Date.now() ^ process.pid);
  return withLayer(model, async (_, ask, call) => {
    const started = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await ask(call);
        return attempt === 1 ? answer : withLatency(answer, performance.now() - started);
      } catch (error) {
        const details = failureDetails(error);
        if (!details?.retryable) throw error;
        const failed = error as TenetError;
        if (attempt > retries) throw givenUp(failed, `after ${attempt} attempts`);
        const { retryAfterMs = 0 } = details;
        if (retryAfterMs > longestRetryAfterMs) {
          throw givenUp(
            failed,
            `and asks to wait for ${Math.round(retryAfterMs / 1000)} s, which is too long`,
          );
        }
        const own = random.uniform() * Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
        // Jitter behind a stated wait too: everyone who was refused was told the same moment.
        const waitMs = retryAfterMs > 0 ? retryAfterMs + own / 4 : own;
        options.onRetry?.({ error: failed, attempt, waitMs });
        await pause(waitMs, call.signal);
      }
    }
  });
}

function withLatency<Answer extends Answered>(answer: Answer, latencyMs: number): Answer {
  return { ...answer, usage: { ...answer.usage, latencyMs } };
}

function givenUp(error: TenetError, how: string): TenetError {
  return new TenetError('provider', `${error.message} (given up ${how})`, { details: error.details });
}
