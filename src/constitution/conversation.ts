/** Conversations as texts and as messages. */
import { TenetError } from '../base/index.ts';
import { type Content, parseTranscript, textOf } from '../data/index.ts';
import type { Message } from '../llm/index.ts';

/** A request, an HH-RLHF transcript ("\n\nHuman: …"), or messages; ends with the user's turn. */
export type PromptInput = Content | readonly Message[];

/** The messages of a prompt. @throws TenetError('data') when it is empty or does not end with the user */
export function toMessages(prompt: PromptInput): Message[] {
  const messages = messagesOf(prompt);
  const last = messages.at(-1);
  if (last?.role === 'user' && last.content.trim() !== '') return messages;
  const end = last ? `${last.role}: ${JSON.stringify(last.content.slice(0, 40))}` : 'nothing';
  throw new TenetError('data', `A prompt must end with what the user says; this one ends with ${end}.`);
}

function messagesOf(prompt: PromptInput): Message[] {
  if (typeof prompt === 'string') {
    return /^\s*Human:/.test(prompt) ? openTranscript(prompt) : [{ role: 'user', content: prompt }];
  }
  return prompt.map(({ role, content }) => ({
    role: role as Message['role'],
    content: textOf({ role, content }),
  }));
}

/** The turns of a transcript, without the open "Assistant:" at its end. */
function openTranscript(transcript: string): Message[] {
  const turns = parseTranscript(transcript) as Message[];
  const last = turns.at(-1);
  return last?.role === 'assistant' && last.content.trim() === '' ? turns.slice(0, -1) : turns;
}

const speakers: Readonly<Record<Message['role'], string>> = {
  system: 'System',
  user: 'Human',
  assistant: 'Assistant',
};

/** A conversation as people write it down: `Human: …`, `Assistant: …`, a blank line between turns. */
export function quoteConversation(messages: readonly Message[]): string {
  return messages.map(({ role, content }) => `${speakers[role]}: ${content.trim()}`).join('\n\n');
}

/** What the user said last. */
export function lastRequest(messages: readonly Message[]): string {
  return messages.findLast(({ role }) => role === 'user')?.content ?? '';
}
