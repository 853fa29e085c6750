/** `POST /v1/chat/completions`: what may be asked. */
import { z } from 'zod';
import { given, isEmpty, nothing, sharedFields } from './request-fields.ts';

const textPart = z.object({
  type: z.literal('text', 'only parts of type "text" are supported'),
  text: z.string(),
});

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  /** Parts are joined; null is an empty text. */
  content: z
    .union([z.string(), z.array(textPart)])
    .nullish()
    .transform((content) =>
      typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('\n'),
    ),
});

export const chatSchema = z
  .strictObject({
    ...sharedFields,
    messages: z.array(message).min(1, 'at least one message is needed'),
    max_completion_tokens: given(z.int().min(1)),
    max_tokens: given(z.int().min(1)),
    logprobs: given(z.boolean()),
    top_logprobs: given(z.int().min(0).max(20)),
    // The last message, if it is the assistant's, is gone on from; named as vLLM names them.
    continue_final_message: given(z.boolean()),
    add_generation_prompt: given(z.boolean()),
    response_format: nothing(
      'response_format other than text',
      (value) => (value as { type?: string }).type === 'text',
    ),
    tools: nothing('tools', isEmpty),
    tool_choice: nothing('tool_choice', (value) => value === 'none' || value === 'auto'),
    modalities: nothing('a modality other than text', (value) => JSON.stringify(value) === '["text"]'),
    parallel_tool_calls: z.unknown().optional(),
    reasoning_effort: z.unknown().optional(),
    verbosity: z.unknown().optional(),
  })
  .refine(({ top_logprobs, logprobs }) => top_logprobs === undefined || logprobs === true, {
    path: ['top_logprobs'],
    message: 'it needs logprobs to be true',
  });

export type ChatBody = z.output<typeof chatSchema>;
