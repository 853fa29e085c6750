/** Options of reward models. */
import { z } from 'zod';
import type { OptionProblem } from './option-rules.ts';
import { maxLengthOption, memoryShape, optimizerShape, stageShape } from './options.ts';

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
  heads: z
    .array(z.string().min(1))
    .min(2)
    .nullable()
    .default(null)
    .describe(
      'Objectives to learn a score each for, from their own labels in the data (fields objectives, scores), of which any may be missing; overall names the judgement as a whole. null = one overall score.',
    ),
  ensembleHeads: z
    .number()
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe(
      'Heads on one decoder that learn the same as an ensemble, whose disagreement tells how sure it is; null = one. Members that are models of their own differ more: several reward stages with seeds of their own.',
    ),
  headShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe(
      'With ensembleHeads: share of the rankings that each head learns from; lower makes heads differ more.',
    ),
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(100)
    .describe('Optimizer steps between two measurements on held-out data.'),
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
});
export type RewardOptions = z.infer<typeof rewardOptions>;

export function rewardRules({
  heads,
  ensembleHeads,
}: Pick<RewardOptions, 'heads' | 'ensembleHeads'>): OptionProblem[] {
  const repeated = heads?.find((name, i) => heads.indexOf(name) !== i);
  return [
    ...(heads && ensembleHeads !== null
      ? [
          {
            option: 'ensembleHeads',
            rule: 'cannot be given beside heads; train an ensemble of models with heads instead',
          },
        ]
      : []),
    ...(repeated === undefined ? [] : [{ option: 'heads', rule: `names "${repeated}" twice` }]),
  ];
}
