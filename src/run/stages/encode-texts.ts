/** Training texts in tokens, with a word to the user about what did not fit. */
import type { Encoder, Example, TextPolicy, TokenExample } from '../../data/index.ts';

export function encodeTexts(
  encoder: Encoder,
  examples: readonly Example[],
  policy: TextPolicy = {},
): TokenExample[] {
  return examples.flatMap((example) => encoder.encodeText(example, policy));
}

/** What an encoder cut or left out, in one sentence; null when nothing. */
export function describeLosses(encoder: Encoder): string | null {
  const { examples, truncated, tooLong, nothingCounted } = encoder.counts;
  const parts: string[] = [];
  if (truncated > 0) parts.push(`${truncated} were cut to the maximum length`);
  if (tooLong > 0) parts.push(`${tooLong} were too long and left out`);
  if (nothingCounted > 0) parts.push(`${nothingCounted} had no token that counts and were left out`);
  return parts.length ? `Of ${examples} examples ${parts.join(', ')}.` : null;
}
