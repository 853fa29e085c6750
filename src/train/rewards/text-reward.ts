/** Rewards from a function of prompt and response that someone wrote: with a time limit, and errors that name it. */
import pLimit from 'p-limit';
import { TenetError } from '../../base/index.ts';
import type { RewardFunction, RewardItem } from '../reward-function.ts';

/** What a text reward may look at besides the texts. */
export interface ResponseFacts {
  /** Tokens of the response. */
  readonly tokens: number;
  /** True: it ended by itself; false: it was cut off. */
  readonly ended: boolean;
  /** Aborted when the time is up; pass it on to `fetch` and the like. */
  readonly signal: AbortSignal;
}

/** @returns a finite number, higher is better; null = does not apply to this response */
export type TextReward = (
  prompt: string,
  response: string,
  facts: ResponseFacts,
) => number | null | Promise<number | null>;

export interface TextRewardOptions {
  /** For errors, e.g. the objective's name or the function's file. */
  readonly name: string;
  /** Longest time for one response, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Calls under way at once. Default 16. */
  readonly concurrency?: number;
}

/**
 * Calls a function for every response, several at once.
 *
 * The time limit ends the wait for an asynchronous function. One that computes without end cannot be interrupted from
 * within its thread.
 * @throws TenetError('training') for the first call that throws, takes too long, or returns something else than a
 *   finite number or null; it names the function and the prompt
 */
export function textReward(reward: TextReward, options: TextRewardOptions): RewardFunction {
  const { name, timeoutMs = 10_000, concurrency = 16 } = options;
  return (items) => {
    const limit = pLimit(concurrency);
    let failed = false; // then what has not begun is not begun
    const call = async (item: RewardItem): Promise<number | null> => {
      if (failed) return null;
      try {
        return await callOnce(reward, item, { name, timeoutMs });
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    return Promise.all(items.map((item) => limit(call, item)));
  };
}

async function callOnce(
  reward: TextReward,
  item: RewardItem,
  { name, timeoutMs }: { readonly name: string; readonly timeoutMs: number },
): Promise<number | null> {
  const { promptText, responseText, response, ended } = item;
  const controller = new AbortController();
  const fail = (what: string, cause?: unknown): TenetError =>
    new TenetError(
      'training',
      `Reward function ${name} ${what}. Prompt: ${shown(promptText)}, response: ${shown(responseText)}.`,
      {
        cause,
        details: { prompt: promptText, response: responseText },
      },
    );
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(fail(`took longer than ${timeoutMs} ms; make it faster, or raise timeoutMs`));
    }, timeoutMs);
  });
  try {
    const facts = { tokens: response.length, ended, signal: controller.signal };
    const value = await Promise.race([Promise.resolve(reward(promptText, responseText, facts)), tooLate]);
    if (value === null || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw fail(`returned ${String(value)}; it must return a finite number, or null where it does not apply`);
  } catch (error) {
    if (TenetError.is(error)) throw error;
    throw fail(`threw: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    clearTimeout(timer);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 119)}…` : text);
}
