/** How labelling is shared between a judge and people. */
import { z } from 'zod';
import { costOptions } from './costs.ts';

const unit = z.number().min(0).max(1);

export const hybridOptions = z.strictObject({
  calibration: z
    .number()
    .int()
    .min(2)
    .default(200)
    .describe(
      'Items drawn by chance that people label first, to measure the judge: the more, the more it is trusted with. Their labels count like any.',
    ),
  method: z
    .enum(['auto', 'temperature', 'isotonic', 'none'])
    .default('auto')
    .describe(
      'How confidence is calibrated on them. auto: whichever predicts best what people said of items that it was not fitted to.',
    ),
  target: z
    .number()
    .gt(0.5)
    .lt(1)
    .default(0.85)
    .describe('The judge labels alone where people agree with it at least so often.'),
  delta: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe('Probability, over the draw of the items, with which that may fail.'),
  high: unit
    .optional()
    .describe('Confidence from which on the judge labels alone, instead of one found for target.'),
  low: unit.optional().describe('Confidence below which people label alone. Default: where lowTarget says.'),
  lowTarget: unit
    .default(0.6)
    .describe(
      'People label alone where they would agree with the judge less often than this, by its calibrated confidence.',
    ),
  auditRate: unit
    .default(0.05)
    .describe('Part of the items labelled by the judge alone that people audit, each drawn by chance.'),
  overlap: z.number().int().min(1).default(1).describe('People who label an item that people label.'),
  adjudicate: z
    .boolean()
    .default(true)
    .describe(
      'True: where both label and disagree about more than half of the pairs, an adjudicator decides; false: the person does.',
    ),
  ...costOptions.shape,
});
export type HybridOptions = z.infer<typeof hybridOptions>;
