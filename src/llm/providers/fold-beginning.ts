/** The beginning of an answer, for models that cannot be made to go on from one. */
import type { Message } from '../language-model.ts';

/** The text of a last message of the assistant, or ''. */
export function beginningOf(messages: readonly Message[]): string {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? last.content : '';
}

/** The conversation without the beginning of the answer; what it said is asked for in words at the end. */
export function foldBeginning(messages: readonly Message[]): readonly Message[] {
  const beginning = beginningOf(messages);
  if (messages.at(-1)?.role !== 'assistant') return messages;
  const before = messages.slice(0, -1);
  if (beginning === '') return before;
  const request = `Begin your answer with exactly these words and go on from there:\n${beginning}`;
  const last = before.at(-1);
  if (last?.role !== 'user') return [...before, { role: 'user', content: request }];
  return [...before.slice(0, -1), { role: 'user', content: `${last.content}\n\n${request}` }];
}

/** What follows the beginning in an answer that repeats it; the whole answer where it does not. */
export function withoutBeginning(answer: string, beginning: string): string {
  const [text, start] = [answer.trimStart(), beginning.trim()];
  return start !== '' && text.startsWith(start) ? text.slice(start.length) : answer;
}
