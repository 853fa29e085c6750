/** The playground as it goes over the wire. */
import { z } from 'zod';
import { id, timeSpent } from './label-schemas.ts';

export const side = z.enum(['A', 'B']);
export const modelName = z.string().min(1).max(300);
export const shelfModelSchema = z.object({
  name: modelName,
  from: z
    .enum(['run', 'base', 'given'])
    .describe('made by a run; what a run began with; named when the server was started'),
});

/** One schema of names, bounds and defaults for everything that is sampled from a browser. */
export const samplingSchema = z.strictObject({
  temperature: z.number().min(0).max(5).default(1).describe('0 = the most likely token'),
  topP: z.number().gt(0).max(1).default(1).describe('smallest set of tokens whose probability reaches this'),
  maxTokens: z.number().int().min(1).max(4096).default(256).describe('most tokens of an answer'),
});

export const beginSchema = z.strictObject({
  models: z.tuple([modelName, modelName]).describe('two names, as /api/playground/models lists them'),
  blind: z.boolean().default(true).describe('true: which is which is told after the vote'),
  system: z.string().max(20_000).optional(),
  sampling: samplingSchema.prefault({}),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31)
    .optional()
    .describe('same seed, same answers of local models; default: drawn'),
});

export const conversationId = z.object({ conversation: z.string().max(100) });
export const saySchema = z.strictObject({
  text: z.string().trim().min(1, 'must not be empty').max(50_000),
  from: side.optional().describe('from the second turn on: the answer to go on from'),
});

export const vote = z.enum(['A', 'B', 'tie', 'both-bad']);
export const voteSchema = z.strictObject({
  id,
  turn: z.number().int().min(0),
  vote,
  rationale: z.string().max(20_000).optional(),
  activeMs: timeSpent.activeMs,
  idleMs: timeSpent.idleMs,
});
const sidesOf = <T extends z.ZodType>(schema: T) => z.object({ A: schema, B: schema });
const modelsBySide = sidesOf(modelName);
export const votedSchema = z.object({ eventId: z.string(), vote, models: modelsBySide });

export const fileSchema = z.strictObject({
  turn: z.number().int().min(0),
  note: z.string().max(5000).optional(),
  harm: z.number().int().min(0).max(4).optional().describe('0 = harmless, 4 = as harmful as was asked for'),
});
export const filedSchema = z.object({ taskId: z.string(), project: z.string(), isNew: z.boolean() });

export const answerSchema = z.object({
  text: z.string(),
  finish: z
    .enum(['stop', 'length', 'filter', 'stopped', 'failed'])
    .nullable()
    .describe('null: still being written'),
  problem: z.string().nullable(),
  outputTokens: z.number().nullable().describe('null while models are hidden'),
  ms: z.number().nullable().describe('null while models are hidden'),
});
export const turnSchema = z.object({
  text: z.string(),
  answers: sidesOf(answerSchema),
  models: modelsBySide.nullable().describe('null while they are hidden'),
  vote: vote.nullable(),
  goneOnFrom: side.nullable(),
});
export const conversationSchema = z.object({
  id: z.string(),
  blind: z.boolean(),
  models: z
    .array(modelName)
    .describe('in the order chosen, which tells nothing of sides where they are hidden'),
  system: z.string().nullable(),
  sampling: samplingSchema,
  seed: z.number(),
  answering: z.boolean(),
  turns: z.array(turnSchema),
});

export const trySchema = z.strictObject({
  principle: z.string().max(200).describe('its id'),
  prompt: z.string().trim().min(1, 'must not be empty').max(50_000),
  response: z.string().max(50_000).optional().describe('default: the model answers the prompt'),
  model: modelName,
  text: z
    .string()
    .max(500_000)
    .optional()
    .describe('the constitution as it is being edited; default: as saved'),
  check: z
    .enum(['full', 'brief'])
    .default('full')
    .describe('brief: as small models learn it, the critique request as a further turn'),
  sampling: samplingSchema.prefault({}),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31)
    .default(0),
});
