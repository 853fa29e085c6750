/** Ordinary responses to ordinary requests: given with them, or sampled from a model. */
import type { Example } from '../data/index.ts';
import { type SampleContext, sampleResponses } from './compare/sample-responses.ts';
import type { HelpfulResponse } from './critique/records.ts';
import { isBareRefusal } from './critique/refusal.ts';
import { type FailedItem, forEachItem } from './for-each.ts';
import { demonstrationsOf } from './inputs.ts';
import { itemKeys } from './journal.ts';

export interface HelpfulResult {
  /** Without empty responses and bare refusals. */
  readonly responses: readonly HelpfulResponse[];
  /** Left out because the response was empty or a bare refusal. */
  readonly leftOut: number;
  readonly failed: readonly FailedItem[];
}

/**
 * A helpful response for each example that has one or can be given one.
 * @param context how to sample; one response to each request, whatever its `count`
 */
export async function helpfulResponses(
  examples: readonly Example[],
  context: Omit<SampleContext, 'signal'> & { readonly concurrency?: number; readonly signal?: AbortSignal },
): Promise<HelpfulResult> {
  const demonstrations = demonstrationsOf(examples);
  const keys = itemKeys(demonstrations.map(({ prompt }) => prompt));
  const responses: (string | null)[] = demonstrations.map(({ response }) => response);
  const open = responses.flatMap((response, i) => (response === null ? i : []));
  const failed = await forEachItem(
    open,
    async (i, _, signal) => {
      const options = { ...context.options, count: 1 };
      const { responses: sampled } = await sampleResponses(demonstrations[i].prompt, keys[i], {
        ...context,
        options,
        signal,
      });
      responses[i] = sampled[0] ?? '';
    },
    { concurrency: context.concurrency ?? 32, signal: context.signal },
  );
  const helpful = demonstrations.flatMap(({ prompt }, i) => {
    const response = responses[i];
    return response === null || response === '' || isBareRefusal(response) ? [] : { prompt, response };
  });
  return { responses: helpful, leftOut: demonstrations.length - helpful.length - failed.length, failed };
}

/** What is missing of `total` requests, in a sentence; null where nothing is. */
export function describeMissing({ leftOut, failed }: HelpfulResult, total: number): string | null {
  const missing = leftOut + failed.length;
  if (missing === 0) return null;
  const reason = failed.length > 0 ? ` The first failure: ${failed[0].reason}` : '';
  return `${missing} of ${total} helpful responses are empty, bare refusals or failed, and are left out.${reason}`;
}
