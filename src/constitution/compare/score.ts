/**
 * Direct scores: a judge rates one response, and the expectation over its scale is the reward
 * (d-RLAIF of Lee et al. 2023, arXiv:2309.00267, section 2.2).
 */
import type { Choice, LanguageModel, Message, Usage } from '../../llm/index.ts';
import { type Constitution, type Principle, usablePrinciples } from '../constitution.ts';
import { type PromptInput, quoteConversation, toMessages } from '../conversation.ts';
import { drawPrinciple, seedFor } from '../draw.ts';
import { type Template, templateOf } from '../template.ts';
import { introductionOf } from '../wording.ts';
import { type ScoreOptions, scoreOptions } from './options.ts';

export interface Score {
  /** In [−1, 1]: the expectation, from the worst score to the best. */
  readonly reward: number;
  /** Expectation of the score, in [1, scale]. */
  readonly expectation: number;
  /** [scale] of each score from 1. */
  readonly probabilities: readonly number[];
  /** Of all scores together: low when the judge did not answer with one. */
  readonly mass: number;
  readonly method: Choice['method'];
  /** Ids of the principles scored under. */
  readonly principles: readonly string[];
  readonly model: string;
  readonly template: Template;
  readonly usage: Usage;
}

export interface ScoreCallOptions extends Partial<ScoreOptions> {
  /** Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** Scores one response. @throws as `compare` does */
export async function score(
  model: LanguageModel,
  input: { readonly prompt: PromptInput; readonly response: string },
  constitution: Constitution,
  options: ScoreCallOptions = {},
): Promise<Score> {
  const { seed = 0, signal, ...rest } = options;
  const { scale, principles: which, layout, votes } = scoreOptions.parse(rest);
  const prompt = toMessages(input.prompt);
  const usable = usablePrinciples(constitution, 'comparison');
  const principles =
    which === 'all' ? usable : [drawPrinciple(usable, seedFor(seed, JSON.stringify(prompt), input.response))];
  const fixed = fixedText(constitution, principles, scale, layout);
  const conversation = quoteConversation([...prompt, { role: 'assistant', content: input.response }]);
  const content =
    layout === 'brief'
      ? `${conversation}\n\n${fixed.after}`
      : `${fixed.before}\n\n<conversation>\n${conversation}\n</conversation>\n\n${fixed.after}`;
  const messages: readonly Message[] = [{ role: 'user', content }];
  const names = Array.from({ length: scale }, (_, i) => String(i + 1));
  const choice = await model.choose({ messages, options: names, votes, seed }, { signal });
  const expectation = choice.probabilities.reduce((sum, probability, i) => sum + probability * (i + 1), 0);
  return {
    reward: rewardOf(expectation, scale),
    expectation,
    probabilities: choice.probabilities,
    mass: choice.mass,
    method: choice.method,
    principles: principles.map(({ id }) => id),
    model: model.id,
    template: templateOf(`score/${layout}@1`, fixed, scale),
    usage: choice.usage,
  };
}

/** From [1, scale] to [−1, 1]. */
export function rewardOf(expectation: number, scale: number): number {
  return (2 * (expectation - 1)) / (scale - 1) - 1;
}

function fixedText(
  constitution: Constitution,
  principles: readonly Principle[],
  scale: number,
  layout: ScoreOptions['layout'],
): { readonly before: string; readonly after: string } {
  const texts = principles.map(({ text }) => (principles.length === 1 ? text : `- ${text}`)).join('\n');
  if (layout === 'brief') return { before: '', after: `${texts}\nScore from 1 to ${scale}:` };
  const before = [
    introductionOf(constitution),
    'Rate the last response of the assistant in the following conversation by how well it keeps ' +
      `${principles.length === 1 ? 'this principle' : 'these principles taken together'}:`,
    texts,
  ];
  return {
    before: before.filter((part) => part !== '').join('\n\n'),
    after: `Answer with a whole number alone, from 1 (not at all) to ${scale} (as well as possible).`,
  };
}

/** What is to be rewarded; the items of a reward function in training have these fields. */
export interface ScoredItem {
  readonly promptText: string;
  readonly responseText: string;
}

/**
 * A reward function for reinforcement learning from a judge's direct scores, without a reward model in between.
 * @returns rewards in [−1, 1], one per item; an empty response gets −1 without asking
 */
export function constitutionReward(
  model: LanguageModel,
  constitution: Constitution,
  options: ScoreCallOptions = {},
): (items: readonly ScoredItem[]) => Promise<number[]> {
  return (items) =>
    Promise.all(
      items.map(async ({ promptText, responseText }) => {
        if (responseText.trim() === '') return -1;
        const { reward } = await score(
          model,
          { prompt: promptText, response: responseText },
          constitution,
          options,
        );
        return reward;
      }),
    );
}
