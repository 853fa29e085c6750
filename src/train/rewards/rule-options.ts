/** Options of rewards by rule. */
import { z } from 'zod';

const length = z
  .strictObject({
    type: z.literal('length').describe('1 for a response of a wanted length, less outside.'),
    unit: z.enum(['tokens', 'words', 'characters']).default('words').describe('What is counted.'),
    min: z.number().int().min(0).default(0).describe('Shortest wanted length.'),
    max: z.number().int().positive().optional().describe('Longest wanted length. Default: none.'),
    slack: z
      .number()
      .min(0)
      .default(0)
      .describe('Units outside the wanted lengths over which the reward falls from 1 to 0; 0 = at once.'),
  })
  .refine(({ min, max }) => max === undefined || max >= min, {
    path: ['max'],
    message: 'must not be below min',
  });

const overlong = z
  .strictObject({
    type: z
      .literal('overlong')
      .describe('0 for a response with room to spare, falling to −1 at the longest length (DAPO, eq. 13).'),
    maxLength: z.number().int().positive().describe('Longest length in tokens, usually maxCompletionLength.'),
    cache: z.number().int().positive().describe('Tokens before it over which the punishment grows.'),
  })
  .refine(({ maxLength, cache }) => cache <= maxLength, {
    path: ['cache'],
    message: 'must not exceed maxLength',
  });

const repetition = z.strictObject({
  type: z.literal('repetition').describe('maxPenalty times the share of repeated word n-grams (TRL).'),
  ngramSize: z.number().int().positive().default(3).describe('Words of an n-gram (TRL: no default).'),
  maxPenalty: z
    .number()
    .max(0)
    .default(-1)
    .describe('Reward where everything is repeated (TRL: no default).'),
});

const tag = z.string().regex(/^[A-Za-z][\w-]*$/, 'must be a tag name, such as think');

const format = z.strictObject({
  type: z
    .literal('format')
    .describe('1 for a response of tagged sections in the given order, each once; else 0.'),
  sections: z.array(tag).min(1).default(['think']).describe('Names of the tags.'),
  rest: z
    .boolean()
    .default(true)
    .describe(
      'True: any text may follow the last section, such as the answer behind <think>…</think> (TRL).',
    ),
});

const pattern = z.strictObject({
  type: z.literal('pattern').describe('1 where a regular expression is found in the response, else 0.'),
  pattern: z.string().min(1).describe("A regular expression of JavaScript; ^ and $ are the response's ends."),
  flags: z
    .string()
    .regex(/^[dimsuv]*$/, 'must be among d, i, m, s, u, v')
    .default('')
    .describe('Its flags, such as i: without regard to case.'),
  forbid: z.boolean().default(false).describe('True: the other way round, 1 where it is not found.'),
});

const json = z.strictObject({
  type: z.literal('json').describe('1 for a response that is JSON of a schema, alone or in one code fence.'),
  schema: z.record(z.string(), z.unknown()).optional().describe('A JSON Schema. Default: any JSON will do.'),
  parseCredit: z.number().min(0).max(1).default(0).describe('Reward for JSON that does not fit the schema.'),
});

export const ruleOptions = z.discriminatedUnion('type', [
  length,
  overlong,
  repetition,
  format,
  pattern,
  json,
]);
export type RuleOptions = z.infer<typeof ruleOptions>;
