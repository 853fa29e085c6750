/** Options of contrastive preference optimisation, and of SimPO, which is the same stage with other defaults. */
import { z } from 'zod';
import { pairDataShape, preferenceShape } from './preference-options.ts';

export const cpoOptions = z.strictObject({
  ...pairDataShape,
  lossType: z
    .enum(['sigmoid', 'hinge', 'ipo', 'simpo'])
    .default('sigmoid')
    .describe('How a pair is judged; simpo and ipo take log-probabilities per token (TRL: sigmoid).'),
  beta: z.number().positive().default(0.1).describe('Scale of the log-probabilities in the loss (TRL: 0.1).'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('Assumed probability that a label is wrong, for sigmoid and simpo (TRL: 0).'),
  cpoAlpha: z
    .number()
    .min(0)
    .default(1)
    .describe('Weight of the cross-entropy of the chosen responses; 0 = none (TRL: 1).'),
  simpoGamma: z
    .number()
    .min(0)
    .default(0.5)
    .describe('simpo: margin that the chosen response should win by, reward units (TRL: 0.5).'),
  ...preferenceShape,
});
export type CpoOptions = z.infer<typeof cpoOptions>;

/** SimPO as its paper has it; the options are CPO's without the choice of a loss. */
export const simpoOptions = cpoOptions.omit({ lossType: true }).extend({
  beta: cpoOptions.shape.beta
    .unwrap()
    .default(2)
    .describe('Scale of the log-probabilities per token (the paper: 2 to 2.5).'),
  simpoGamma: cpoOptions.shape.simpoGamma
    .unwrap()
    .default(1)
    .describe('Margin that the chosen response should win by, reward units (the paper: 0.5 of beta).'),
  cpoAlpha: cpoOptions.shape.cpoAlpha
    .unwrap()
    .default(0)
    .describe('Weight of the cross-entropy of the chosen responses; 0 = none (the paper: 0).'),
});
export type SimpoOptions = z.infer<typeof simpoOptions>;
