/** Options of supervised fine-tuning and pre-training. */
import { z } from 'zod';
import { maxLengthOption, memoryShape, optimizerShape, stageShape } from './options.ts';

export const sftOptions = z.strictObject({
  numTrainEpochs: z
    .number()
    .positive()
    .default(3)
    .describe('Passes over the data; may be a fraction (TRL: 3).'),
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
    .describe('Examples per optimizer step; with packing, rows of maxLength tokens (TRL: 8).'),
  learningRate: z
    .number()
    .positive()
    .default(2e-5)
    .describe('Peak learning rate (TRL: 2e-5, for models of a billion parameters; small models take 1e-3).'),
  maxLength: maxLengthOption,
  packing: z
    .boolean()
    .default(false)
    .describe('True: several short examples share a row, which wastes less on padding (TRL: false).'),
  completionOnlyLoss: z
    .boolean()
    .default(true)
    .describe(
      'True: only responses count in the loss; false: prompts too (TRL: true for prompt-completion data).',
    ),
  lossType: z
    .enum(['nll', 'dft'])
    .default('nll')
    .describe(
      'nll: cross-entropy; dft: dynamic fine-tuning, which scales each token by its probability (TRL: nll).',
    ),
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(200)
    .describe('Optimizer steps between two measurements on held-out data.'),
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
});
export type SftOptions = z.infer<typeof sftOptions>;
