/** Label tasks and answers as they go over the wire. Shape: K = number of responses. */
import { z } from 'zod';
import { SKIP_REASONS, type SkipReason } from '../../feedback/index.ts';

export const project = z.object({ project: z.string().min(1).max(200) });
export const ranks = z
  .array(z.number().int().min(1).max(26).nullable())
  .max(26)
  .describe('[K] by card, in the order shown: 1 = best, equal = tie, null = not judged');
export const flag = z.enum(['all-bad', 'unsafe', 'cannot-judge']);
export const id = z
  .string()
  .min(8)
  .max(100)
  .describe('chosen by the client, such as a UUID; sent again, it is stored once');
export const timeSpent = {
  activeMs: z.number().int().min(0).optional().describe('with the task in view and at work on it'),
  idleMs: z.number().int().min(0).optional().describe('with the task in view and nothing happening'),
  judgedAt: z
    .number()
    .int()
    .min(0)
    .max(Date.parse('9999-12-31T23:59:59.999Z'))
    .optional()
    .describe('when it was judged, where that is not when it is sent'),
};
export const prompt = z.union([z.string(), z.array(z.object({ role: z.string(), content: z.string() }))]);
export const draftSchema = z.object({
  ranks: ranks.optional(),
  flags: z.array(flag).max(3).optional(),
  rationale: z.string().max(20_000).optional(),
  ...timeSpent,
});
export const labelSchema = draftSchema.extend({ id, taskId: z.string().max(100) });

export const skipReasons = Object.keys(SKIP_REASONS) as [SkipReason, ...SkipReason[]];
export const skipSchema = z.object({
  ...{ id, taskId: z.string().max(100), reason: z.enum(skipReasons) },
  note: z.string().max(2000).optional(),
  ...timeSpent,
});

export const taskViewSchema = z.object({
  taskId: z.string(),
  project: z.string(),
  kind: z.literal('rank'),
  purpose: z
    .enum(['label', 'adjudication', 'qualification'])
    .describe('qualification: a question of the test that comes before the tasks'),
  prompt,
  cards: z.array(z.object({ letter: z.string(), text: z.string() })).describe('[K] in the order shown'),
  suggestion: z
    .object({
      ranks,
      confidence: z.number().optional(),
      rationale: z.string().optional(),
    })
    .nullable(),
  guidelineVersion: z.string().nullable(),
  contentWarning: z.string().nullable(),
  draft: z
    .object({
      ranks: ranks.optional(),
      flags: z.array(z.string()).optional(),
      rationale: z.string().optional(),
      ...timeSpent,
    })
    .nullable(),
  expiresAt: z.number().describe('until then nobody else gets it; what is sent later is taken all the same'),
});
export const qualificationSchema = z.object({
  status: z
    .enum(['passed', 'testing', 'waiting', 'failed'])
    .describe('waiting: may try again at retakeAt; failed: has had all attempts'),
  attempt: z.number().describe('from 1'),
  attempts: z.number().describe('that there are'),
  answered: z.number().describe('of this attempt'),
  questions: z.number(),
  score: z.number().nullable().describe('mean share of pairs right, in the best attempt that is over'),
  pass: z.number().describe('what it takes'),
  retakeAt: z.number().nullable(),
});
export const rulesSchema = z.object({
  qualification: z
    .object({
      pass: z.number().min(0).max(1).describe('mean share of pairs right from which on the test is passed'),
      questions: z.number().int().min(1).optional().describe('of an attempt; default: all'),
      retakes: z.number().int().min(0).describe('attempts after the first'),
      retakeAfterMs: z.number().min(0),
      exempt: z.array(z.string()).describe('ids of annotators who need no test'),
    })
    .nullable()
    .describe('null: no test'),
  furtherLabels: z
    .object({
      most: z.number().int().min(2).max(100).describe('labels of a task'),
      agreement: z.number().min(0).max(1).describe('below which labels disagree'),
      adjudicate: z.boolean().describe('an adjudicator decides where the last label has not settled it'),
    })
    .nullable()
    .describe('null: as many labels as tasks say'),
});
export const stored = z.object({ eventId: z.string(), seq: z.number() });
