/** Options that the training stages share: one place for each name, default, unit and source. */
import { z } from 'zod';
import type { ScheduleOptions } from '../tensor/index.ts';
import type { TrainerOptions } from './trainer.ts';

/** Optimizer and schedule. Names and defaults are TRL's unless the text says otherwise. */
export const optimizerShape = {
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Decoupled weight decay of matrices per step, times the learning rate; norms and biases are spared. 0 = none (TRL).',
    ),
  adamBeta1: z.number().min(0).lt(1).default(0.9).describe("Decay of Adam's mean of gradients (TRL)."),
  adamBeta2: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe("Decay of Adam's mean of squared gradients (TRL)."),
  adamEpsilon: z.number().positive().default(1e-8).describe("Adam's eps (TRL)."),
  maxGradNorm: z
    .number()
    .positive()
    .nullable()
    .default(1)
    .describe('Gradients are scaled down to this global norm; null = never (TRL: 1).'),
  lrSchedulerType: z
    .enum(['constant', 'linear', 'cosine'])
    .default('linear')
    .describe('Course of the learning rate after the warm-up; linear and cosine end at 0 (TRL: linear).'),
  warmupRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Share of the steps in which the learning rate rises from 0 (TRL: 0).'),
};

/** How much memory a step takes, and how much time. */
export const memoryShape = {
  microBatchTokens: z
    .number()
    .int()
    .positive()
    .default(4096)
    .describe(
      'Most padded tokens that go through the engine at once; bounds memory and changes no result beyond rounding. A memory limit of the run chooses it.',
    ),
  gradientCheckpointing: z
    .boolean()
    .default(false)
    .describe(
      'True: activations are computed again in the backward pass instead of kept, which takes a fraction of the memory and a third more time (Chen et al. 2016; TRL: true). A memory limit of the run chooses it.',
    ),
};

/** What every stage has. */
export const stageShape = {
  seed: z.number().int().min(0).default(42).describe('Seed of everything random in the stage (TRL: 42).'),
  loggingSteps: z
    .number()
    .int()
    .positive()
    .default(10)
    .describe('Optimizer steps between two recorded events (TRL: 10).'),
  saveSteps: z
    .number()
    .int()
    .positive()
    .default(200)
    .describe(
      'Optimizer steps between two checkpoints. Lower loses less when interrupted and costs disk time.',
    ),
  saveTotalLimit: z
    .number()
    .int()
    .positive()
    .default(2)
    .describe('Checkpoints kept while the stage runs; they are removed when it ends.'),
  threads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      'Threads of the engine. Default: the cores of the machine. Results are bit-identical per count.',
    ),
};

export const maxLengthOption = z
  .number()
  .int()
  .positive()
  .default(1024)
  .describe('Longest sequence in tokens, prompt and response together (TRL: 1024).');

/** The optimizer part of a stage's parsed options. */
export interface OptimizerOptions {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  readonly maxGradNorm: number | null;
  readonly lrSchedulerType: 'constant' | 'linear' | 'cosine';
  readonly warmupRatio: number;
}

/** What the trainer needs of a stage's options. */
export function trainerOptions(
  options: Omit<OptimizerOptions, 'learningRate' | 'lrSchedulerType' | 'warmupRatio'> & {
    readonly threads?: number;
  },
): Omit<TrainerOptions, 'folder'> {
  return {
    betas: [options.adamBeta1, options.adamBeta2],
    eps: options.adamEpsilon,
    weightDecay: options.weightDecay,
    maxGradNorm: options.maxGradNorm,
    threads: options.threads,
  };
}

/** Optimizer steps of a stage that passes over data: `maxSteps` where it is given, else so many epochs; at least one. */
export function stepsOf(
  options: { readonly maxSteps?: number | null; readonly numTrainEpochs: number },
  batchesPerEpoch: number,
): number {
  return options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * batchesPerEpoch));
}

/** The learning rate over a stage of so many optimizer steps. The warm-up is rounded up, as transformers does. */
export function scheduleFor(
  options: Pick<OptimizerOptions, 'learningRate' | 'lrSchedulerType' | 'warmupRatio'>,
  totalSteps: number,
): ScheduleOptions {
  return {
    schedule: options.lrSchedulerType,
    lr: options.learningRate,
    totalSteps,
    warmupSteps: Math.ceil(options.warmupRatio * totalSteps),
  };
}
