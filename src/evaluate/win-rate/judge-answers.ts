/** Puts the answers of several models to the same prompts before a judge, every two of them in both orders. */
import { type Constitution, compare } from '../../constitution/index.ts';
import type { LanguageModel, Message } from '../../llm/index.ts';
import { askEach, type SuiteContext, type SuiteResult } from '../suite.ts';
import type { Match } from './ratings.ts';

export interface PromptToAnswer {
  readonly id: string;
  readonly messages: readonly Message[];
}

export interface JudgedAnswers {
  /** [models] */
  readonly models: readonly string[];
  /** [prompts] with [models] answers each; those that every model has answered. */
  readonly answers: readonly { readonly prompt: PromptToAnswer; readonly texts: readonly string[] }[];
  readonly matches: readonly (Match & { readonly lengths: readonly [number, number] })[];
  readonly failed: SuiteResult['failed'];
}

/**
 * @param models at least two; their ids have to differ
 * @param judge  compares under all principles of the constitution that are for comparison, in both orders
 */
export async function judgeAnswers(
  models: readonly LanguageModel[],
  judge: LanguageModel,
  prompts: readonly PromptToAnswer[],
  constitution: Constitution,
  context: Pick<SuiteContext, 'seed' | 'maxTokens' | 'temperature' | 'concurrency' | 'signal' | 'onProgress'>,
): Promise<JudgedAnswers> {
  const { seed, maxTokens, temperature } = context;
  const pairs = models.flatMap((_, i) => models.slice(i + 1).map((_, k) => [i, i + 1 + k] as const));
  const { done, failed } = await askEach(prompts, context, async ({ messages }, signal) => {
    const texts = await Promise.all(
      models.map(async (model) => {
        const { text } = await model.chat({ messages, maxTokens, temperature, seed }, { signal });
        return text.trim();
      }),
    );
    const probabilities = await Promise.all(
      pairs.map(async ([i, j]) => {
        // Equal answers are equally good, whatever a judge reads into their places.
        if (texts[i] === texts[j]) return 0.5;
        const { probability } = await compare(
          judge,
          { prompt: messages, responses: [texts[i], texts[j]] },
          constitution,
          { principles: 'all', order: 'both', seed, signal },
        );
        return probability;
      }),
    );
    return { texts, probabilities };
  });
  return {
    models: models.map(({ id }) => id),
    answers: done.map(({ item, value }) => ({ prompt: item, texts: value.texts })),
    matches: done.flatMap(({ item, value }) =>
      pairs.map(([i, j], n) => ({
        prompt: item.id,
        models: [models[i].id, models[j].id] as const,
        probability: value.probabilities[n],
        lengths: [value.texts[i].length, value.texts[j].length] as const,
      })),
    ),
    failed,
  };
}
