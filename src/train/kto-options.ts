/** Options of KTO. */
import { z } from 'zod';
import { pairDataShape, preferenceShape } from './preference-options.ts';

export const ktoOptions = z.strictObject({
  ...pairDataShape,
  batchSize: z
    .number()
    .int()
    .min(2)
    .default(16)
    .describe('Judged responses per optimizer step; the reference point is a mean over them (TRL: 8).'),
  lossType: z
    .enum(['kto', 'apo_zero_unpaired'])
    .default('kto')
    .describe('kto, or the form of APO-zero that has no reference point (TRL: kto).'),
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe('Strength of the tie to the reference model, per nat; higher stays closer (TRL: 0.1).'),
  desirableWeight: z
    .number()
    .min(0)
    .default(1)
    .describe(
      'Weight of desirable responses; weights times counts of the two kinds should be as 1 to 4/3 : 1 (TRL: 1).',
    ),
  undesirableWeight: z.number().min(0).default(1).describe('Weight of undesirable responses (TRL: 1).'),
  ...preferenceShape,
});
export type KtoOptions = z.infer<typeof ktoOptions>;
