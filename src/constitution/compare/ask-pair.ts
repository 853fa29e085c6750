/** Puts a pair to a judge in the way that the options say. */
import type { Principle } from '../constitution.ts';
import { type Answer, askComparison, type JudgeContext, type ResponsePair } from './ask-comparison.ts';
import { askEach, type SharedChecks } from './ask-each.ts';
import type { ComparisonOptions } from './options.ts';

/**
 * @param shownFirst index of the response that is shown first, where the judge sees both at once
 * @param shared     what the pairs of one prompt share where responses are judged alone
 */
export function askPair(
  pair: ResponsePair,
  principle: Principle,
  shownFirst: 0 | 1,
  context: JudgeContext & { readonly options: Pick<ComparisonOptions, 'judging'> },
  shared?: SharedChecks,
): Promise<Answer> {
  return context.options.judging === 'pointwise'
    ? askEach(pair, principle, context, shared)
    : askComparison(pair, principle, shownFirst, context);
}
