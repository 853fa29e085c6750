/** What differs between the two interfaces whose answers are guarded. */
import { type Conversations, chatConversation, completionPrompts } from './conversation.ts';

type Choice = Readonly<Record<string, unknown>>;

export interface Dialect {
  readonly path: string;
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  conversations(body: Readonly<Record<string, unknown>>): Conversations;
  /** A whole choice that says the refusal. */
  refusal(index: number, text: string): Choice;
  /** The same as the end of a stream. @param isFirst true: nothing of the choice has left */
  refusalChunks(index: number, text: string, isFirst: boolean): readonly Choice[];
}

const finish = 'content_filter';

export const chatDialect: Dialect = {
  path: '/v1/chat/completions',
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  conversations: chatConversation,
  refusal: (index, content) => ({
    index,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: finish,
  }),
  refusalChunks: (index, content, isFirst) => [
    {
      index,
      delta: isFirst ? { role: 'assistant', content, refusal: null } : { content: `\n\n${content}` },
      logprobs: null,
      finish_reason: null,
    },
    { index, delta: {}, logprobs: null, finish_reason: finish },
  ],
};

export const completionDialect: Dialect = {
  path: '/v1/completions',
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  conversations: completionPrompts,
  refusal: (index, text) => ({ index, text, logprobs: null, finish_reason: finish }),
  refusalChunks: (index, text, isFirst) => [
    { index, text: isFirst ? text : `\n\n${text}`, logprobs: null, finish_reason: null },
    { index, text: '', logprobs: null, finish_reason: finish },
  ],
};
