/** Answers as checked data. */
import { type output, prettifyError, toJSONSchema, type ZodType } from 'zod';
import { type Json, TenetError } from '../base/index.ts';
import type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  JsonObject,
  LanguageModel,
  Usage,
} from './language-model.ts';
import { usageOfAll } from './usage-of-all.ts';

export interface ChatJsonRequest<Schema extends ZodType> extends Omit<ChatRequest, 'json'> {
  readonly schema: Schema;
  /** Letters, digits, `-` and `_`. Default `answer`. */
  readonly name?: string;
  /** Times that the model is told what was wrong and asked again. Default 1. */
  readonly corrections?: number;
}

export interface JsonAnswer<Value> {
  readonly value: Value;
  /** Of all calls together. */
  readonly usage: Usage;
}

/**
 * Asks for JSON of a form, checks it, and asks again where it does not fit, with what was wrong.
 *
 * Models with structured output are held to the form; the others are told of it at the end of the last message.
 * @throws TenetError('provider') when the answer does not fit even then
 * @example
 * const { value } = await chatJson(model, { messages, schema: z.strictObject({ conflicts: z.array(z.string()) }) });
 */
export async function chatJson<Schema extends ZodType>(
  model: LanguageModel,
  request: ChatJsonRequest<Schema>,
  options: CallOptions = {},
): Promise<JsonAnswer<output<Schema>>> {
  const { schema, name = 'answer', corrections = 1, ...rest } = request;
  const { $schema: _, ...form } = toJSONSchema(schema) as JsonObject;
  const instruction = `Answer with JSON of this form and nothing else:\n${JSON.stringify(form)}`;
  let messages = withInstruction(request, instruction);
  const usages: Usage[] = [];
  for (let attempt = 0; ; attempt++) {
    const answer = await model.chat({ ...rest, messages, json: { name, schema: form } }, options);
    usages.push(answer.usage);
    const read = readJson(answer, schema);
    if ('value' in read) return { value: read.value, usage: usageOfAll(usages, 'in turn') };
    if (attempt === corrections) {
      const details = { model: model.id, retryable: false, answer: answer.text };
      throw new TenetError('provider', `${model.id} did not answer in the form asked for: ${read.problem}`, {
        details,
      });
    }
    messages = [
      ...messages,
      { role: 'assistant', content: answer.text },
      { role: 'user', content: `That does not fit: ${read.problem}\n${instruction}` },
    ];
  }
}

function withInstruction(
  { messages }: Pick<ChatRequest, 'messages'>,
  instruction: string,
): ChatRequest['messages'] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content: instruction }];
  return [...messages.slice(0, -1), { role: 'user', content: `${last.content}\n\n${instruction}` }];
}

function readJson<Schema extends ZodType>(
  { text, finish }: ChatAnswer,
  schema: Schema,
): { readonly value: output<Schema> } | { readonly problem: string } {
  if (finish === 'length') return { problem: 'the answer was cut off at its limit of tokens; be shorter.' };
  let parsed: Json;
  try {
    parsed = JSON.parse(unfenced(text)) as Json;
  } catch (error) {
    return { problem: `it is not JSON (${(error as Error).message}).` };
  }
  const checked = schema.safeParse(parsed);
  return checked.success ? { value: checked.data } : { problem: prettifyError(checked.error) };
}

/** Without the code fence and the words around it in which models like to wrap JSON. */
function unfenced(text: string): string {
  const fenced = /```(?:json)?\s*([\s\S]*?)```/.exec(text);
  if (fenced) return fenced[1];
  const start = text.search(/[[{]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  return start >= 0 && end > start ? text.slice(start, end + 1) : text;
}
