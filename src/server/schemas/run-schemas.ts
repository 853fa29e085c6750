/** Runs as they go over the wire. */
import { z } from 'zod';

export const state = z.enum(['waiting', 'running', 'finished', 'failed', 'interrupted', 'stopped']);
export const run = z.object({ run: z.string().max(200) });
export const scores = z.record(z.string(), z.number().nullable());

export const runSummarySchema = z.object({
  name: z.string(),
  state,
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  outcome: z.string().nullable(),
  stages: z.array(z.object({ name: z.string(), status: state })),
  warnings: z.number(),
});
export const sampleSchema = z.object({
  stage: z.string(),
  step: z.number(),
  attempt: z.number(),
  model: z.string().optional(),
  prompt: z.string(),
  response: z.string(),
  scores,
});
export const sampleQuerySchema = z.object({
  stage: z.string().max(200).optional().describe('only of this stage'),
  model: z.string().max(500).optional().describe('only answers of this model'),
  text: z
    .string()
    .max(500)
    .optional()
    .describe('only with this text in prompt or response, whatever its case'),
  score: z.string().max(100).optional().describe('the score that min, max and sort are about'),
  min: z.coerce.number().optional().describe('only with at least this score'),
  max: z.coerce.number().optional().describe('only with at most this score'),
  sort: z
    .enum(['written', 'newest', 'highest', 'lowest', 'longest'])
    .default('newest')
    .describe('in the order written, latest first, or by the score or length'),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const samplesSchema = z.object({
  samples: z.array(sampleSchema),
  total: z.number().describe('how many match'),
  stages: z.array(z.string()),
  models: z.array(z.string()),
  scores: z.array(z.string()).describe('names of the scores there are'),
});
export const eventSchema = z.object({
  stage: z.string(),
  step: z.number(),
  time: z.number(),
  metrics: z.record(z.string(), z.number().nullable()),
});
export const done = z.object({});
