/** The conversations of a request in OpenAI's form, as the guard reads them. */
import type { GuardMessage } from '../screen.ts';
import { isJsonText, JsonTextReader, otherContentIn, textsOf } from './texts.ts';

export interface Conversations {
  /** One for each prompt; the answers of a prompt stand together. */
  readonly prompts: readonly (readonly GuardMessage[])[];
  /** Answers to each prompt. */
  readonly answersPerPrompt: number;
  /** Where something stands that is no text, or null. */
  readonly unreadable: string | null;
}

type Body = Readonly<Record<string, unknown>>;

/** Fields of a request whose texts say nothing to the model. All others are screened too: tools, formats, templates. */
const settings = new Set([
  ...[
    'model',
    'messages',
    'prompt',
    'user',
    'stop',
    'service_tier',
    'reasoning_effort',
    'verbosity',
    'modalities',
    'audio',
  ],
  ...['safety_identifier', 'prompt_cache_key', 'metadata', 'stream_options', 'tool_choice', 'function_call'],
]);

/** Every string is a text. */
export const noData: ReadonlySet<string> = new Set();

/** Of `POST /v1/chat/completions`. */
export function chatConversation(body: Body): Conversations {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  return {
    prompts: [[...settingTexts(body), ...messages.map((message) => messageOf(message))]],
    answersPerPrompt: countOf(body.n),
    unreadable: otherContentIn(messages, 'messages'),
  };
}

/** Of `POST /v1/completions`: a prompt, or several. */
export function completionPrompts(body: Body): Conversations {
  const { prompt } = body;
  const isList = Array.isArray(prompt) && prompt.some((entry) => typeof entry !== 'number');
  const prompts: unknown[] = isList ? prompt : [prompt];
  const shared = settingTexts(body);
  const other = prompts.findIndex((one) => typeof one !== 'string');
  return {
    prompts: prompts.map((one) => [...shared, { role: 'user', content: typeof one === 'string' ? one : '' }]),
    answersPerPrompt: countOf(body.n),
    unreadable: other < 0 ? null : isList ? `prompt.${other}` : 'prompt',
  };
}

/**
 * A message of any client's form: texts, parts, tools' calls and answers.
 * @param data fields that hold data, as `textsOf` takes them
 */
export function messageOf(message: unknown, data?: ReadonlySet<string>): GuardMessage {
  const { role } = (message ?? {}) as { role?: unknown };
  const known = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : 'user';
  return { role: known, content: textOf(message, data) };
}

const roles: Readonly<Record<string, GuardMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
};

/**
 * All that a value says, one text below the other.
 * @param data fields that hold data, as `textsOf` takes them
 */
export function textOf(value: unknown, data?: ReadonlySet<string>): string {
  const texts: string[] = [];
  for (const [place, text] of textsOf(value, data))
    texts.push(isJsonText(place) ? new JsonTextReader().read(text) : text);
  return texts.join('\n');
}

function settingTexts(body: Body): GuardMessage[] {
  const others = Object.fromEntries(Object.entries(body).filter(([key]) => !settings.has(key)));
  // Schemas have fields of any name, and what stands in them is text.
  const content = textOf(others, noData);
  return content === '' ? [] : [{ role: 'system', content }];
}

function countOf(n: unknown): number {
  return typeof n === 'number' && Number.isInteger(n) && n > 0 ? n : 1;
}
