/** Options that the methods share that learn from groups of sampled responses. */
import { z } from 'zod';
import { importanceModes } from '../objective/index.ts';
import { memoryShape, optimizerShape, stageShape } from './options.ts';

/** What is sampled, and how long. Names are TRL's. */
export const groupSamplingShape = {
  numTrainEpochs: z
    .number()
    .positive()
    .default(1)
    .describe('Passes over the prompts, each answered numGenerations times; may be a fraction (TRL: 3).'),
  totalEpisodes: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Responses sampled in the whole stage; null = as numTrainEpochs says.'),
  batchSize: z
    .number()
    .int()
    .positive()
    .default(64)
    .describe(
      'Responses per iteration, a multiple of numGenerations (TRL: 8 per device and accumulation step).',
    ),
  maxCompletionLength: z
    .number()
    .int()
    .positive()
    .default(512)
    .describe('Most tokens of a response (TRL: 512).'),
  temperature: z
    .number()
    .positive()
    .default(1)
    .describe('Sampling temperature; the same distribution is trained (TRL: 1).'),
  missingEosPenalty: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Taken off the score of a response that does not end, reward units; null = none (TRL: null).'),
  sampleEvery: z
    .number()
    .int()
    .positive()
    .default(10)
    .describe('Iterations between two recorded sample responses.'),
};

/** Optimizer steps on what was sampled. */
export const policyUpdateShape = {
  numIterations: z
    .number()
    .int()
    .positive()
    .default(1)
    .describe('Passes over each batch of responses, μ in the GRPO paper (TRL: 1).'),
  stepsPerGeneration: z
    .number()
    .int()
    .positive()
    .default(1)
    .describe(
      'Optimizer steps per pass. More learn from responses that are no longer quite the policy’s own (TRL: 1).',
    ),
  learningRate: z
    .number()
    .positive()
    .default(1e-6)
    .describe(
      'Peak learning rate (TRL: 1e-6, for models of a billion parameters; small models take 1e-4 and more).',
    ),
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
  loggingSteps: z.number().int().positive().default(1).describe('Iterations between two recorded events.'),
  saveSteps: z.number().int().positive().default(20).describe('Iterations between two checkpoints.'),
};

/** Clipping of the importance ratio. */
export const clipShape = {
  epsilon: z
    .number()
    .positive()
    .lt(1)
    .default(0.2)
    .describe('Importance ratios below 1 − epsilon earn nothing more (TRL: 0.2).'),
  epsilonHigh: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('The same above 1 + epsilonHigh; null = epsilon (DAPO’s clip-higher: 0.28).'),
};

/** The tie to the reference model; methods override the defaults. */
export const klShape = {
  beta: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Penalty per nat of divergence from the reference model, reward units. Higher stays closer; 0 = no reference model is held (TRL).',
    ),
  klEstimator: z
    .enum(['k1', 'k2', 'k3'])
    .default('k3')
    .describe('Estimator of the divergence per token: log-ratio, half its square, or e^−d − 1 + d.'),
  klIn: z
    .enum(['reward', 'loss'])
    .default('loss')
    .describe('Whether the penalty is taken off the reward, or is a term of the loss.'),
  useBiasCorrectionKl: z
    .boolean()
    .default(true)
    .describe(
      'In the loss: k1 and k3 times the importance ratio, which gives them the gradient of the divergence (TRL 1.13: true). k2 has it without.',
    ),
  klTarget: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Divergence per response to steer beta towards, nats; null = beta is fixed (Ziegler et al. 2019: 6).',
    ),
  klHorizon: z
    .number()
    .positive()
    .default(10_000)
    .describe('Responses over which the steered beta reacts (Ziegler et al. 2019: 10,000).'),
  syncRefModel: z
    .boolean()
    .default(false)
    .describe('True: the reference model follows the policy (TR-DPO, arXiv:2404.09656).'),
  refModelMixupAlpha: z
    .number()
    .gt(0)
    .max(1)
    .default(0.6)
    .describe('With syncRefModel: reference ← alpha · policy + (1 − alpha) · reference (TRL: 0.6).'),
  refModelSyncSteps: z
    .number()
    .int()
    .positive()
    .default(512)
    .describe('With syncRefModel: optimizer steps between two such moves (TRL: 512).'),
};

/** For samplers whose probabilities differ from the trainer's. */
export const samplingCorrectionShape = {
  importanceSamplingMode: z
    .enum(importanceModes)
    .nullable()
    .default(null)
    .describe(
      'Weighs tokens by how the sampler’s probabilities differ from the trainer’s, per token or per sequence, weights outside the limits cut to them or to 0; null = the two must agree, as they do here (TRL: sequence_mask, with vLLM).',
    ),
  importanceSamplingClipMax: z.number().positive().default(3).describe('Highest such weight (TRL: 3).'),
  importanceSamplingClipMin: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Lowest such weight; null = 0 (TRL: null).'),
};
