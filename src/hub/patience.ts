/** Trying again where that can help, and saying what is wrong where it cannot. */
import { setTimeout as wait } from 'node:timers/promises';
import { TenetError } from '../base/index.ts';
import type { HubSettings } from './hub-settings.ts';

/** A failure that may pass: a cut connection, a busy or broken server. */
export class PassingFailure extends Error {
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | null;

  constructor(
    message: string,
    options: { readonly retryAfter?: number | null; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** Longest wait that a server can ask for, in milliseconds. */
const LONGEST_WAIT = 5 * 60_000;

/**
 * Does something until it succeeds or has failed too often in a row. `attempt` may report progress, which makes its
 * next failure the first in a row again.
 * @throws TenetError('provider') when it gives up
 */
export async function patiently<T>(
  what: string,
  settings: HubSettings,
  attempt: (progress: () => void) => Promise<T>,
): Promise<T> {
  const { attempts, retryDelay, signal } = settings;
  for (let failures = 0; ; ) {
    try {
      signal?.throwIfAborted();
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      if (signal?.aborted) {
        throw new TenetError(
          'interrupted',
          `${what}: stopped. What has come so far is kept for the next time.`,
          {
            cause: error,
          },
        );
      }
      if (!(error instanceof PassingFailure)) throw error;
      failures++;
      if (failures >= attempts) {
        throw new TenetError(
          'provider',
          `${what}: ${error.message}, ${attempts === 1 ? 'once' : `${attempts} times in a row`}. Try again later (what has come so far is kept), or use what ` +
            'the cache holds with HF_HUB_OFFLINE=1.',
          { cause: error },
        );
      }
      const asked = Math.min(error.retryAfter ?? 0, LONGEST_WAIT);
      await wait(Math.max(asked, retryDelay * 2 ** (failures - 1)), undefined, { signal }).catch(() => {});
    }
  }
}

/** The answer to a request, once its status is checked. @throws PassingFailure, or TenetError for what stays wrong */
export async function ask(
  url: string,
  init: RequestInit,
  { what, settings }: { readonly what: string; readonly settings: HubSettings },
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (cause) {
    const reason = ((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message;
    throw new PassingFailure(`${settings.endpoint} cannot be reached (${reason})`, { cause });
  }
  if (answer.ok || answer.status === 416) return answer;
  await answer.body?.cancel();
  const { status } = answer;
  if (status === 429) {
    throw new PassingFailure('the Hub asks to slow down (429)', { retryAfter: retryAfter(answer) });
  }
  if (status >= 500 || status === 408)
    throw new PassingFailure(`the Hub has trouble (${status})`, { retryAfter: retryAfter(answer) });
  throw refusal(status, answer.headers.get('X-Error-Code') ?? '', what, settings);
}

/** `Retry-After`, in seconds or as a date, in milliseconds. */
function retryAfter({ headers }: Response): number | null {
  const value = headers.get('Retry-After');
  if (value === null) return null;
  const milliseconds = /^\d+(\.\d+)?$/.test(value) ? 1000 * Number(value) : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : null;
}

function refusal(status: number, code: string, what: string, { token }: HubSettings): TenetError {
  const details = { details: { status, code } };
  if (status === 401 || status === 403) {
    const fix = token
      ? 'The token in HF_TOKEN is not valid for it: check that it may read this repository, and that its terms are accepted on the Hub'
      : 'It is private or gated, or does not exist: set HF_TOKEN to a token that may read it, or correct the name';
    return new TenetError('provider', `${what}: the Hub refuses it (${status}). ${fix}.`, details);
  }
  if (status === 404) {
    const missing =
      code === 'RevisionNotFound'
        ? 'has no such revision'
        : code === 'EntryNotFound'
          ? 'has no such file'
          : 'does not exist';
    return new TenetError('usage', `${what} ${missing} on the Hub (404); correct the name.`, details);
  }
  return new TenetError('provider', `${what}: the Hub answers ${status}.`, details);
}
