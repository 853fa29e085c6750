/** Label tasks and answers as they go over the wire. Shape: K = number of responses. */
import { z } from 'zod';

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

export const taskViewSchema = z.object({
  taskId: z.string(),
  project: z.string(),
  kind: z.literal('rank'),
  purpose: z.enum(['label', 'adjudication']),
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
export const stored = z.object({ eventId: z.string(), seq: z.number() });
