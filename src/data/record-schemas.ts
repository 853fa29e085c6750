/** The record formats as zod schemas; see `record.ts` for what they are. */
import { z } from 'zod';
import type { RecordFormat, RecordOf } from './record.ts';

const messageSchema = z
  .looseObject({
    role: z.string().min(1, 'must not be empty'),
    content: z
      .union([z.string(), z.array(z.looseObject({ type: z.string() }))], {
        error: 'expected a text or a list of parts {type, …}',
      })
      .nullish(),
  })
  .refine((m) => (m.content !== undefined && m.content !== null) || m.tool_calls !== undefined, {
    path: ['content'],
    error: 'missing; only a message with tool_calls may have none',
  });

const conversationSchema = z.array(messageSchema).min(1, 'must have at least one message');

const contentSchema = z.union([z.string(), conversationSchema], {
  error: 'expected a text or a list of messages {role, content}',
});

const margin = z.number().nullish();
const inUnit = z.number().min(0, 'must be in [0, 1]').max(1, 'must be in [0, 1]');
const probability = inUnit.nullish();
/** By objective: probability that chosen is better by it. */
const objectives = z.record(z.string(), inUnit.nullable()).nullish();
const label = z.boolean({ error: 'expected true or false' });
const shareGptMessage = z.looseObject({ from: z.string(), value: z.string() });

/** All given fields must be texts, or all lists of messages. */
function oneStyle(fields: readonly string[]) {
  return (row: Record<string, unknown>, context: z.RefinementCtx): void => {
    const lists = fields.filter((field) => Array.isArray(row[field]));
    if (lists.length !== 0 && lists.length !== fields.length) {
      const texts = fields.filter((field) => !lists.includes(field));
      context.addIssue({
        code: 'custom',
        path: [texts[0]],
        message: `is a text while ${lists.join(' and ')} is a list of messages; use one style in a row`,
      });
    }
  };
}

const ranks = z.array(z.int('expected a whole number').min(1, 'ranks start at 1 = best').nullable());

const responsesSchema = z.array(contentSchema).min(2, 'must have at least two responses');

const rankingSchema = z
  .looseObject({
    prompt: contentSchema,
    responses: responsesSchema,
    ranks,
    preferences: z.array(z.array(z.number().nullable())).nullish(),
    objectives: z.record(z.string(), ranks.nullable()).nullish(),
    scores: z.record(z.string(), z.array(z.number().nullable()).nullable()).nullish(),
  })
  .superRefine((row, context) => {
    const count = row.responses.length;
    const lists = [
      [['ranks'], row.ranks] as const,
      ...(['objectives', 'scores'] as const).flatMap((field) =>
        Object.entries(row[field] ?? {}).map(([name, list]) => [[field, name], list] as const),
      ),
    ];
    for (const [path, list] of lists) {
      if (list === null || list.length === count) continue;
      const message = `has ${list.length} entries for ${count} responses; give one each (null = not judged)`;
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    const problem = row.preferences && preferencesProblem(row.preferences, count);
    if (problem) context.addIssue({ code: 'custom', path: ['preferences'], message: problem });
    responsesOfOneStyle(row, context);
  });

/** Responses must be texts or messages, as the prompt is. */
function responsesOfOneStyle(
  { prompt, responses }: { readonly prompt: unknown; readonly responses: readonly unknown[] },
  context: z.RefinementCtx,
): void {
  const isChat = Array.isArray(prompt);
  const odd = responses.findIndex((response) => Array.isArray(response) !== isChat);
  if (odd < 0) return;
  context.addIssue({
    code: 'custom',
    path: ['responses', odd],
    message: `is ${isChat ? 'a text while prompt is a list of messages' : 'a list of messages while prompt is a text'}; use one style in a row`,
  });
}

/** What is wrong with soft labels of K responses, or null. */
function preferencesProblem(
  preferences: readonly (readonly (number | null)[])[],
  count: number,
): string | null {
  if (preferences.length !== count || preferences.some((row) => row.length !== count)) {
    return `must be ${count} lists of ${count} entries for ${count} responses`;
  }
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const [p, q] = [preferences[i][j], preferences[j][i]];
      const fits = p === null || q === null ? p === q : p >= 0 && q >= 0 && Math.abs(p + q - 1) < 1e-6;
      if (!fits)
        return `[${i}][${j}] and [${j}][${i}] are ${p} and ${q}; both must be null, or probabilities that sum to 1`;
    }
  }
  return null;
}

/** Format name → schema. Language modelling has two: see {@link schemaFor}. */
const SCHEMAS: { readonly [F in Exclude<RecordFormat, 'language-modeling'>]: z.ZodType<RecordOf<F>> } = {
  ranking: rankingSchema,
  'prompt-responses': z
    .looseObject({ prompt: contentSchema, responses: responsesSchema })
    .superRefine(responsesOfOneStyle),
  'stepwise-supervision': z.looseObject({
    prompt: z.string(),
    completions: z.array(z.string()),
    labels: z.array(label),
  }),
  'unpaired-preference': z
    .looseObject({ prompt: contentSchema, completion: contentSchema, label })
    .superRefine(oneStyle(['prompt', 'completion'])),
  preference: z
    .looseObject({
      prompt: contentSchema,
      chosen: contentSchema,
      rejected: contentSchema,
      margin,
      probability,
      objectives,
    })
    .superRefine(oneStyle(['prompt', 'chosen', 'rejected'])),
  'sharegpt-preference': z.looseObject({
    conversations: z.array(shareGptMessage).min(1, 'must have at least one message'),
    chosen: shareGptMessage,
    rejected: shareGptMessage,
  }),
  'hh-transcript': z.looseObject({
    chosen: transcript(),
    rejected: transcript(),
    margin,
    probability,
    objectives,
  }),
  'implicit-preference': z
    .looseObject({ chosen: contentSchema, rejected: contentSchema, margin, probability, objectives })
    .superRefine(oneStyle(['chosen', 'rejected'])),
  'labelled-messages': z.looseObject({ messages: conversationSchema, label }),
  'prompt-completion': z
    .looseObject({ prompt: contentSchema, completion: contentSchema })
    .superRefine(oneStyle(['prompt', 'completion'])),
  alpaca: z.looseObject({
    instruction: z.string(),
    input: z.string().nullish(),
    output: z.string(),
    system: z.string().nullish(),
    history: z.array(z.tuple([z.string(), z.string()])).nullish(),
  }),
  'output-pair': z.looseObject({
    input: z.string(),
    output_1: z.string(),
    output_2: z.string(),
    label: z.union([z.literal(1), z.literal(2)], { error: 'expected 1 or 2, the better output' }),
  }),
  'seed-task': z.looseObject({
    instruction: z.string(),
    instances: z.array(z.looseObject({ input: z.string(), output: z.string() })).min(1),
  }),
  sharegpt: z.looseObject({
    conversations: z.array(shareGptMessage).min(1, 'must have at least one message'),
  }),
  'prompt-only': z.looseObject({ prompt: contentSchema }),
};

const textRow = z.looseObject({ text: z.string() });
const messagesRow = z.looseObject({ messages: conversationSchema });

/** The schema for a row; where a format has variants, that of the variant the row means. */
export function schemaFor(format: RecordFormat, row: object): z.ZodType {
  if (format !== 'language-modeling') return SCHEMAS[format];
  return 'messages' in row && row.messages !== undefined ? messagesRow : textRow;
}

function transcript() {
  return z.string().refine((text) => /^\s*Human:/.test(text), {
    error: 'does not begin with "\\n\\nHuman:" as an HH-RLHF transcript does',
  });
}
