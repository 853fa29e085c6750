/** Options of reward models. */
import { z } from 'zod';
import { maxLengthOption, microBatchOption, optimizerShape, stageShape } from './options.ts';

export const rewardOptions = z.strictObject({
  numTrainEpochs: z
    .number()
    .positive()
    .default(1)
    .describe('Passes over the data; more than one overfits easily (InstructGPT: 1; TRL: 3).'),
  maxSteps: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Optimizer steps; null = as numTrainEpochs says.'),
  batchSize: z
    .number()
    .int()
    .positive()
    .default(16)
    .describe('Rankings (or pairs) per optimizer step (TRL: 8).'),
  learningRate: z.number().positive().default(1e-4).describe('Peak learning rate (TRL: 1e-4).'),
  maxLength: maxLengthOption,
  ties: z
    .enum(['half', 'skip'])
    .default('half')
    .describe('half: a tie pulls both scores together (target 1/2); skip: ties are left out.'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('Assumed probability that a label is wrong; 0 = none.'),
  useMargins: z
    .boolean()
    .default(true)
    .describe('True: a margin in the data widens the gap that the scores should have (Touvron et al. 2023).'),
  centerRewardsCoefficient: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe(
      'Weight that holds scores around 0; null = none; 0.01 is recommended (Eisenstein et al. 2023).',
    ),
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(100)
    .describe('Optimizer steps between two measurements on held-out data.'),
  microBatchTokens: microBatchOption,
  ...optimizerShape,
  ...stageShape,
});
export type RewardOptions = z.infer<typeof rewardOptions>;
