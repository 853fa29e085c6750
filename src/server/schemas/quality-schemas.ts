/** How a label project stands, as it goes over the wire. */
import { z } from 'zod';
import { prompt, ranks, taskViewSchema } from './label-schemas.ts';

const share = z
  .number()
  .nullable()
  .describe('share of pairs of responses that two people order alike; a tie is half');

export const qualitySchema = z.object({
  progress: z.object({
    tasks: z.number(),
    complete: z.number().describe('tasks with all the labels wanted'),
    skipped: z.number().describe('tasks that too many have skipped'),
    wanted: z.number().describe('labels wanted, those there are included'),
    labels: z.number(),
    leased: z.number().describe('given out now'),
    skips: z.number(),
    adjudications: z.object({ waiting: z.number(), done: z.number() }),
  }),
  agreement: share,
  annotators: z.array(
    z.object({
      id: z.string(),
      name: z.string().nullable(),
      group: z.string().nullable(),
      labels: z.number(),
      skips: z.number(),
      medianMs: z.number().nullable().describe('of a label, at work'),
      agreement: share,
    }),
  ),
  disagreements: z
    .array(z.object({ taskId: z.string(), prompt, labels: z.number(), agreement: z.number() }))
    .describe('where people agree least first, without what is decided'),
});

const opinion = z.object({
  who: z.string(),
  group: z.string().nullable(),
  ranks: ranks.nullable(),
  flags: z.array(z.string()),
  rationale: z.string().nullable(),
  activeMs: z.number().nullable(),
  principles: z.array(z.string()),
});
export const adjudicationSchema = z.object({
  task: taskViewSchema,
  labels: z.array(opinion).describe('of people, without their names'),
  judges: z.array(opinion).describe('of AI judges about the same responses'),
  suggestion: z
    .object({ ranks, rationale: z.string().nullable(), confidence: z.number().nullable() })
    .nullable(),
});
