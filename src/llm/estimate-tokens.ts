/** How many tokens a call will use at most, before it is made. */
import type { Question } from './layers/layer.ts';

/**
 * Input is counted at two bytes a token, where English takes about four and other scripts rarely less than two, with a
 * few more for each message; output at all that is allowed.
 * @param hiddenTokens tokens that the model may think with besides
 */
export function estimateTokens(
  question: Question,
  hiddenTokens: number = 0,
): { readonly input: number; readonly output: number } {
  const { messages } = question.request;
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const input = Math.ceil(bytes / 2) + 8 * messages.length + 8;
  if (question.kind === 'chat') return { input, output: (question.request.maxTokens ?? 512) + hiddenTokens };
  const longest = Math.max(...question.request.options.map((option) => Buffer.byteLength(option)));
  return { input, output: longest + 16 + hiddenTokens };
}
