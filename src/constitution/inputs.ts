/** What jobs take from examples of any data format: prompts, responses, people's rankings. */
import { type Content, type Example, splitLastTurn, textOf } from '../data/index.ts';
import type { Message } from '../llm/index.ts';
import type { ComparisonInput } from './compare/compare-job.ts';
import { type PromptInput, toMessages } from './conversation.ts';
import type { ChainInput } from './critique/chain.ts';

/**
 * Prompts to criticise responses to.
 * @param given true: criticise the completions of the examples, of comparisons the last-ranked response; false: only
 *   their prompts count, and the model responds
 */
export function chainInputsOf(examples: readonly Example[], given: boolean): ChainInput[] {
  return examples.map((example) => {
    const prompt = promptOfExample(example);
    const response = given ? responseOf(example) : null;
    return response === null ? { prompt } : { prompt, response };
  });
}

/** Prompts with responses and people's ranks where there are any. */
export function comparisonInputsOf(examples: readonly Example[]): ComparisonInput[] {
  return examples.map((example) => {
    const prompt = promptOfExample(example);
    if (example.kind !== 'ranking') return { prompt };
    const isJudged = example.ranks.some((rank) => rank !== null);
    return {
      prompt,
      responses: example.responses.map(contentText),
      ...(isJudged && { humanRanks: example.ranks }),
    };
  });
}

/** True when the order of responses says nothing: not all examples are pairs with the preferred response first. */
export function orderIsNeutral(inputs: readonly ComparisonInput[]): boolean {
  return inputs.some(
    ({ humanRanks }) =>
      humanRanks && !(humanRanks.length === 2 && humanRanks[0] === 1 && humanRanks[1] === 2),
  );
}

/** Requests with the response that a demonstration, or the best of a comparison, has; null where there is none. */
export function demonstrationsOf(
  examples: readonly Example[],
): { readonly prompt: Message[]; readonly response: string | null }[] {
  return examples.map((example) => {
    const prompt = toMessages(promptOfExample(example));
    if (example.kind !== 'ranking') return { prompt, response: responseOf(example) };
    const judged = example.ranks.map((rank) => rank ?? Number.POSITIVE_INFINITY);
    return { prompt, response: contentText(example.responses[judged.indexOf(Math.min(...judged))]) };
  });
}

function promptOfExample(example: Example): PromptInput {
  if (example.kind === 'text') return example.text;
  if (example.kind === 'chat') return splitLastTurn(example.messages).prompt;
  return example.prompt;
}

function responseOf(example: Example): string | null {
  if (example.kind === 'completion') return contentText(example.completion);
  if (example.kind === 'chat') {
    const { completion } = splitLastTurn(example.messages);
    return completion.length === 0 ? null : contentText(completion);
  }
  if (example.kind !== 'ranking') return null;
  const ranks = example.ranks.map((rank) => rank ?? 0);
  return contentText(example.responses[ranks.indexOf(Math.max(...ranks))]);
}

function contentText(content: Content): string {
  return (typeof content === 'string' ? content : content.map(textOf).join('\n\n')).trim();
}
