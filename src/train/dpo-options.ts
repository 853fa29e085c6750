/** Options of direct preference optimisation. */
import { z } from 'zod';
import { maxLengthOption, microBatchOption, optimizerShape, stageShape } from './options.ts';

/** The losses of `src/objective/dpo-losses.ts`. */
const lossTypes = [
  'sigmoid',
  'cdpo',
  'hinge',
  'ipo',
  'exo_pair',
  'nca_pair',
  'robust',
  'bco_pair',
  'sppo_hard',
  'aot',
  'aot_unpaired',
  'apo_zero',
  'apo_down',
  'discopop',
  'sigmoid_norm',
  'sft',
] as const;

export const dpoOptions = z.strictObject({
  numTrainEpochs: z
    .number()
    .positive()
    .default(1)
    .describe('Passes over the pairs; may be a fraction (TRL: 3).'),
  maxSteps: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Optimizer steps; null = as numTrainEpochs says.'),
  batchSize: z.number().int().positive().default(16).describe('Pairs per optimizer step (TRL: 8).'),
  learningRate: z
    .number()
    .positive()
    .default(1e-6)
    .describe(
      'Peak learning rate (TRL: 1e-6, for models of a billion parameters; small models take 1e-4 and more).',
    ),
  lossType: z
    .array(z.enum(lossTypes))
    .min(1)
    .default(['sigmoid'])
    .describe('Losses, added up with lossWeights (TRL: sigmoid, which is DPO itself).'),
  lossWeights: z.array(z.number()).nullable().default(null).describe('One weight per loss; null = 1 each.'),
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe('Strength of the tie to the reference model, per nat; higher stays closer (TRL: 0.1).'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe(
      'Assumed probability that a label is wrong, for cdpo, robust, exo_pair and aot; 0 = none (TRL: 0).',
    ),
  fDivergenceType: z
    .enum(['reverse_kl', 'forward_kl', 'js_divergence', 'alpha_divergence'])
    .default('reverse_kl')
    .describe('Divergence from the reference model that is penalised (TRL: reverse_kl).'),
  fAlphaDivergenceCoef: z.number().default(0.5).describe('Alpha of alpha_divergence (TRL: 0.5).'),
  discopopTau: z.number().positive().default(0.05).describe('Temperature of discopop (TRL: 0.05).'),
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(100)
    .describe('Optimizer steps between two measurements on held-out pairs.'),
  maxLength: maxLengthOption,
  microBatchTokens: microBatchOption,
  ...optimizerShape,
  ...stageShape,
});
export type DpoOptions = z.infer<typeof dpoOptions>;
