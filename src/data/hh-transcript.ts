/** Transcripts as HH-RLHF writes them: "\n\nHuman: … \n\nAssistant: …" (Bai et al. 2022, arXiv:2204.05862). */
import type { ChatMessage } from '../text/index.ts';

const HEADER = /\r?\n\r?\n(Human|Assistant):/g;

/**
 * The turns of a transcript, all of them. One space after each header belongs to the header, and its line ends may be
 * CRLF; everything else is kept as it is, so that {@link formatTranscript} gives a transcript with LF back.
 */
export function parseTranscript(transcript: string): ChatMessage[] {
  const text = transcript.startsWith('\n\n') ? transcript : `\n\n${transcript.trimStart()}`;
  const headers = [...text.matchAll(HEADER)];
  return headers.map((header, i) => {
    const content = text.slice(header.index + header[0].length, headers[i + 1]?.index ?? text.length);
    return {
      role: header[1] === 'Human' ? 'user' : 'assistant',
      content: content.startsWith(' ') ? content.slice(1) : content,
    };
  });
}

/**
 * The transcript of a conversation. Roles other than user and assistant take their own name ("System").
 * @param open true: end with "\n\nAssistant:", ready to be continued. Default false.
 */
export function formatTranscript(messages: readonly ChatMessage[], open = false): string {
  const turns = messages.map((message) => `\n\n${speaker(message.role)}: ${textOf(message)}`);
  return turns.join('') + (open ? '\n\nAssistant:' : '');
}

/** The text of a message; the texts of its parts where it has several. */
export function textOf(message: ChatMessage): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}

function speaker(role: string): string {
  if (role === 'user') return 'Human';
  return role.charAt(0).toUpperCase() + role.slice(1);
}
