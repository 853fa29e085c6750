/** Options of the guard's classifiers. */
import { z } from 'zod';
import { memoryShape, optimizerShape, stageShape } from '../../train/index.ts';

const share = z.number().min(0).max(1);

export const classifierOptions = z.strictObject({
  numTrainEpochs: z.number().positive().default(3).describe('Passes over the data.'),
  maxSteps: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Optimizer steps; null = as numTrainEpochs says.'),
  batchSize: z.number().int().positive().default(32).describe('Texts per optimizer step.'),
  learningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe('Peak learning rate; right for a small new trunk. For a trained one take 1e-4 or less.'),
  blendFrom: share
    .default(0.2)
    .describe('Share of the steps in which every token is judged by itself (Sharma et al. 2025: gradual).'),
  blendTo: share
    .default(0.8)
    .describe('Share of the steps after which the largest score so far is judged, as in use.'),
  categoryWeight: z
    .number()
    .min(0)
    .default(0.5)
    .describe('Weight of all categories together beside the verdict itself; 0 = they are not learnt.'),
  languageModelCoef: z
    .number()
    .min(0)
    .default(0.1)
    .describe(
      'Weight of predicting the next token as well, which keeps the trunk a language model (Sharma et al. 2025); 0 = none.',
    ),
  balance: z
    .boolean()
    .default(true)
    .describe('True: harmful and harmless texts of a kind weigh the same in all, however many there are.'),
  evalSteps: z
    .number()
    .int()
    .positive()
    .default(100)
    .describe('Optimizer steps between two measurements on held-out data.'),
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
  lrSchedulerType: optimizerShape.lrSchedulerType.default('cosine'),
  warmupRatio: optimizerShape.warmupRatio.default(0.05),
});
export type ClassifierOptions = z.infer<typeof classifierOptions>;

/** All that `tenet guard train --set` takes. */
export const guardTrainOptions = z.strictObject({
  ...classifierOptions.shape,
  maxLength: z
    .number()
    .int()
    .positive()
    .default(512)
    .describe('Most tokens read at once; longer texts are read in windows that overlap by half.'),
  trunk: z
    .strictObject({
      vocabSize: z
        .number()
        .int()
        .min(300)
        .default(4096)
        .describe('Entries of the vocabulary that is learnt.'),
      width: z.number().int().positive().default(128).describe('Width of the hidden states.'),
      layers: z.number().int().positive().default(4).describe('Layers.'),
      heads: z.number().int().positive().default(4).describe('Attention heads; they divide the width.'),
    })
    .prefault({})
    .describe('A new trunk, where no model is given: 1.3 million parameters.'),
  disguises: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe(
      'Attacks that each prompt, harmful or not, is also put in, so that neither length nor disguise is a sign of harm; 0 = none.',
    ),
  probe: z
    .strictObject({
      window: z.number().int().positive().default(8).describe('Tokens that a probe averages its score over.'),
      epochs: z.number().int().positive().default(8).describe('Passes over the hidden states.'),
      learningRate: z.number().positive().default(0.01).describe('Peak learning rate.'),
      weightDecay: z.number().min(0).default(0.1).describe('Decay of the weights, times the learning rate.'),
      batchSize: z.number().int().positive().default(64).describe('Texts per step.'),
    })
    .prefault({})
    .describe('Of linear probes (--probe).'),
  testShare: share
    .default(0.2)
    .describe(
      'Share of the examples that families drawn for the test make up, where nothing else says which.',
    ),
  calibrationShare: share
    .default(0.2)
    .describe('Share of the other examples that set probabilities and thresholds, and are not trained on.'),
  similarity: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe('Jaccard similarity of runs of three words from which two texts are the same.'),
});
export type GuardTrainOptions = z.infer<typeof guardTrainOptions>;
