/** What TRL records of the tokens of good and bad responses, as `trlMetricNames.preferenceTokens` calls it. */
import {
  add,
  divide,
  entropyFromLogits,
  maximum,
  mean,
  multiply,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  type TokenLogProbs,
} from '../tensor/index.ts';

/**
 * Scalars, without gradient.
 * @param tokens       of all counted tokens, N
 * @param options.isChosen       [N] 1 = the token belongs to a good response, 0 = to a bad one
 * @param options.chosenTokens   scalar: tokens of good responses of the whole step
 * @param options.rejectedTokens scalar: the same of bad ones
 */
export function responseTokenMetrics(
  tokens: TokenLogProbs,
  options: { readonly isChosen: Tensor; readonly chosenTokens: Tensor; readonly rejectedTokens: Tensor },
): Readonly<Record<'logitsChosen' | 'logitsRejected' | 'meanTokenAccuracy' | 'entropy', Tensor>> {
  const { isChosen, chosenTokens, rejectedTokens } = options;
  const average = (values: Tensor, weights: Tensor, total: Tensor): Tensor =>
    stopGradient(divide(sum(multiply(values, weights)), maximum(total, 1)));
  const meanLogits = mean(tokens.logits, { axes: [1] }); // [N]
  const entropy = entropyFromLogits(tokens.logits, tokens.probabilities, tokens.logNormaliser);
  return {
    logitsChosen: average(meanLogits, isChosen, chosenTokens),
    logitsRejected: average(meanLogits, subtract(1, isChosen), rejectedTokens),
    meanTokenAccuracy: average(tokens.isArgmax, isChosen, chosenTokens),
    entropy: stopGradient(divide(sum(entropy), add(chosenTokens, rejectedTokens))),
  };
}
