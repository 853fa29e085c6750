/** Options of odds ratio preference optimisation. */
import { z } from 'zod';
import { pairDataShape, preferenceShape } from './preference-options.ts';

export const orpoOptions = z.strictObject({
  ...pairDataShape,
  beta: z
    .number()
    .min(0)
    .default(0.1)
    .describe('Weight of the odds-ratio term beside the cross-entropy, λ in the paper (TRL: 0.1).'),
  ...preferenceShape,
});
export type OrpoOptions = z.infer<typeof orpoOptions>;
