/** Puts a pair to a judge in the way that the options say. */
import type { Principle } from '../constitution.ts';
import { type Answer, askComparison, type JudgeContext, type ResponsePair } from './ask-comparison.ts';
import { askEach, type CheckMemory } from './ask-each.ts';
import type { ComparisonOptions } from './options.ts';

/**
 * @param shownFirst index of the response that is shown first, where the judge sees both at once
 * @param memory     of responses judged alone, shared between the pairs of one prompt
 */
export function askPair(
  pair: ResponsePair,
  principle: Principle,
  shownFirst: 0 | 1,
  context: JudgeContext & { readonly options: Pick<ComparisonOptions, 'judging'> },
  memory?: CheckMemory,
): Promise<Answer> {
  return context.options.judging === 'pointwise'
    ? askEach(pair, principle, context, memory)
    : askComparison(pair, principle, shownFirst, context);
}
