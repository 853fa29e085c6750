/** What a posted body asks for, in OpenAI's form or any other. */
import { type Conversations, chatConversation, completionPrompts, textOf } from '../wire/conversation.ts';
import { chatDialect, completionDialect, type Dialect } from '../wire/dialect.ts';
import { otherContentIn } from '../wire/texts.ts';

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
  const value = jsonOf(text);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const body = isObject ? (value as Readonly<Record<string, unknown>>) : null;
  const hasMessages = Array.isArray(body?.messages);
  const hasPrompt = body?.prompt !== undefined;
  const isOpenAi = typeof body?.model === 'string' && (hasMessages || hasPrompt);
  const dialect = isOpenAi && !hasMessages ? completionDialect : chatDialect;
  const options = (body?.stream_options ?? {}) as { include_usage?: unknown };
  return {
    conversations: hasMessages
      ? chatConversation(body!)
      : isOpenAi
        ? completionPrompts(body!)
        : ownForm(value),
    dialect,
    isOpenAi,
    model: typeof body?.model === 'string' ? body.model : '',
    stream: body?.stream === true || (!isOpenAi && path !== ''),
    withUsage: options.include_usage === true,
  };
}

/** A form of the route's own: whatever is text in it is what the user says. */
function ownForm(value: unknown): Conversations {
  const messages = [{ role: 'user', content: textOf(value) } as const];
  return { prompts: [messages], answersPerPrompt: 1, unreadable: otherContentIn(value) };
}

/** What a text says as JSON; the text itself where it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
