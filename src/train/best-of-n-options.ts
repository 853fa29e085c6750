/** Options of best-of-N sampling. */
import { z } from 'zod';
import { stageShape } from './options.ts';
import { groupSamplingShape } from './policy-options.ts';

export const bestOfNOptions = z.strictObject({
  numGenerations: z
    .number()
    .int()
    .min(2)
    .default(8)
    .describe('N: responses to each prompt, of which the best one is kept.'),
  batchSize: z
    .number()
    .int()
    .positive()
    .default(16)
    .describe('Prompts answered at a time; what is answered survives an interruption.'),
  maxCompletionLength: groupSamplingShape.maxCompletionLength,
  temperature: groupSamplingShape.temperature
    .unwrap()
    .default(1)
    .describe('Sampling temperature; higher makes responses differ more.'),
  missingEosPenalty: groupSamplingShape.missingEosPenalty,
  seed: stageShape.seed,
  threads: stageShape.threads,
});
export type BestOfNOptions = z.infer<typeof bestOfNOptions>;
