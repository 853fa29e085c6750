/** Finds the assistant's turns in a rendered conversation by rendering ever longer parts of it. */
import { TenetError } from '../base/index.ts';
import type { ChatMessage } from './chat-message.ts';
import type { Span } from './generation-marks.ts';

/**
 * The parts of a conversation's text that the assistant wrote: for its message i, what comes after
 * `render(messages before i, with generation prompt)` up to the end of `render(messages up to i)`.
 *
 * @param render renders the given messages, with or without generation prompt.
 * @param eosToken name of the eos token; some templates write it after the last message only.
 * @throws TenetError('data') when the template is not prefix-preserving: a longer conversation must begin with
 *   the text of the shorter one.
 */
export function assistantSpans(
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string,
  eosToken: string,
): { text: string; spans: Span[] } {
  const text = render(messages, false);
  const spans: Span[] = [];
  for (let i = 0; i < messages.length; i++) {
    if (messages[i].role !== 'assistant') continue;
    const before = i === 0 ? '' : render(messages.slice(0, i), true);
    const start = i === 0 ? openingLength(messages[0], text) : before.length;
    let upTo = i === messages.length - 1 ? text : render(messages.slice(0, i + 1), false);
    // Templates that close the whole conversation with eos (Phi-3) leave it out when a turn follows.
    if (!text.startsWith(upTo) && eosToken && upTo.endsWith(eosToken)) upTo = upTo.slice(0, -eosToken.length);
    if (!text.startsWith(before) || !text.startsWith(upTo))
      throw rewritten(i, text, text.startsWith(before) ? upTo : before);
    spans.push({ start, end: upTo.length });
  }
  return { text, spans };
}

/** A conversation may begin with the assistant; then there is no prompt to measure its header by. */
function openingLength(message: ChatMessage, text: string): number {
  const content = typeof message.content === 'string' ? message.content.trim() : '';
  return Math.max(0, text.indexOf(content));
}

function rewritten(turn: number, text: string, expected: string): TenetError {
  let at = 0;
  while (at < expected.length && text[at] === expected[at]) at++;
  const around = (s: string) => JSON.stringify(s.slice(Math.max(0, at - 20), at + 30));
  return new TenetError(
    'data',
    `The chat template is not prefix-preserving: it renders the conversation up to message ${turn + 1} ` +
      `(assistant) differently when more messages follow: ${around(expected)} alone, ${around(text)} in the ` +
      `whole. Which tokens the assistant wrote is then undefined. Use a template with {% generation %} blocks ` +
      `for training, or conversations with a single assistant turn at the end.`,
    { details: { message: turn } },
  );
}
