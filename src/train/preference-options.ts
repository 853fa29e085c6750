/** Options that the methods share that learn from given judgements. */
import { z } from 'zod';
import { maxLengthOption, memoryShape, optimizerShape, stageShape } from './options.ts';

/** The data, and how often it is gone through. */
export const pairDataShape = {
  numTrainEpochs: z
    .number()
    .positive()
    .default(1)
    .describe('Passes over the data; may be a fraction (TRL: 3).'),
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
};

/** What comes last in every such method. */
export const preferenceShape = {
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(100)
    .describe('Optimizer steps between two measurements on held-out data.'),
  maxLength: maxLengthOption,
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
};
