/** Responses of a policy to be compared: several to a prompt, each kept in the ledger. */
import type { LanguageModel, Message, Usage } from '../../llm/index.ts';
import { askResponse } from '../critique/ask.ts';
import { untilUsable } from '../critique/critique.ts';
import { responseEvent, responseFrom } from '../critique/events.ts';
import { seedFor } from '../draw.ts';
import { type Journal, jobName, journaled } from '../journal.ts';
import { sumUsage } from '../usage.ts';

export interface SamplingOptions {
  /** Responses to each prompt. */
  readonly count: number;
  readonly temperature: number;
  readonly topP: number;
  /** Most tokens of a response. */
  readonly responseLength: number;
}

export interface SampleContext {
  readonly policy: LanguageModel;
  readonly options: SamplingOptions;
  readonly seed: number;
  readonly journal: Journal | null;
  readonly runId?: string;
  readonly signal?: AbortSignal;
}

export interface Samples {
  /** Different from each other and not empty; fewer than asked for where the policy repeats itself. */
  readonly responses: readonly string[];
  readonly usage: Usage;
}

/** Times that an empty response is asked for again. */
const retries = 2;

/**
 * Samples responses. Their ids and seeds depend on the policy, the settings and the prompt alone, so that they are
 * asked for once, however often they are compared.
 * @param key names the prompt
 */
export async function sampleResponses(
  prompt: readonly Message[],
  key: string,
  { policy, options, seed, journal, runId, signal }: SampleContext,
): Promise<Samples> {
  const { count, ...ask } = options;
  const job = jobName('sample', { policy: policy.id, options: ask, seed });
  const usages: Usage[] = [];
  const steps = await Promise.all(
    Array.from({ length: count }, (_, place) =>
      untilUsable(retries, async (attempt) => {
        const step = await journaled(journal, {
          id: `${job}/${key}/${place}.${attempt}`,
          item: { prompt, responses: [] },
          make: () => {
            const own = seedFor(seed, key, 'sample', place, attempt);
            return askResponse(prompt, { model: policy, options: ask, seed: own, signal });
          },
          write: (made) => responseEvent(made, { project: job, runId }, { item: key, round: 0, attempt }),
          read: responseFrom,
        });
        usages.push(step.usage);
        return step;
      }),
    ),
  );
  const usable = steps.filter(({ failure }) => failure === null).map(({ text }) => text);
  return { responses: [...new Set(usable)], usage: sumUsage(usages) };
}
