/** What a posted body asks for, in OpenAI's form or any other. */
import { type Conversations, chatConversation, completionPrompts, textOf } from '../wire/conversation.ts';
import { chatDialect, completionDialect, type Dialect } from '../wire/dialect.ts';

export interface Asked {
  readonly conversations: Conversations;
  readonly dialect: Dialect;
  /** True: it names a model and holds messages or a prompt, so it is answered in OpenAI's form. */
  readonly isOpenAi: boolean;
  readonly model: string;
  readonly stream: boolean;
  readonly withUsage: boolean;
}

/** @param text what was posted; JSON is read as such, anything else is a text by itself */
export function askedOf(path: string, text: string): Asked {
  const body = objectOf(text);
  const hasMessages = Array.isArray(body?.messages);
  const hasPrompt = body?.prompt !== undefined;
  const isOpenAi = typeof body?.model === 'string' && (hasMessages || hasPrompt);
  const dialect = isOpenAi && !hasMessages ? completionDialect : chatDialect;
  const options = (body?.stream_options ?? {}) as { include_usage?: unknown };
  return {
    conversations: conversationsOf(body, text, { hasMessages, isPrompt: dialect === completionDialect }),
    dialect,
    isOpenAi,
    model: typeof body?.model === 'string' ? body.model : '',
    stream: body?.stream === true || (!isOpenAi && path !== ''),
    withUsage: options.include_usage === true,
  };
}

function conversationsOf(
  body: Readonly<Record<string, unknown>> | null,
  text: string,
  { hasMessages, isPrompt }: { readonly hasMessages: boolean; readonly isPrompt: boolean },
): Conversations {
  if (body && hasMessages) return chatConversation(body);
  if (body && isPrompt) return completionPrompts(body);
  const content = body ? textOf(body) : text;
  return { prompts: [[{ role: 'user', content }]], answersPerPrompt: 1, unreadable: null };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
