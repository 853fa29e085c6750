/** Options of proximal policy optimisation. */
import { z } from 'zod';
import { memoryShape, optimizerShape, stageShape } from './options.ts';

export const ppoOptions = z.strictObject({
  totalEpisodes: z
    .number()
    .int()
    .positive()
    .default(10_000)
    .describe('Responses sampled in the whole stage.'),
  batchSize: z
    .number()
    .int()
    .positive()
    .default(128)
    .describe('Responses per iteration. Higher is steadier and slower to react.'),
  numPpoEpochs: z
    .number()
    .int()
    .positive()
    .default(4)
    .describe('Passes over each batch of responses (TRL, Ziegler et al. 2019: 4).'),
  numMiniBatches: z.number().int().positive().default(1).describe('Optimizer steps per pass (TRL: 1).'),
  learningRate: z
    .number()
    .positive()
    .default(3e-6)
    .describe(
      'Peak learning rate (TRL: 3e-6, for models of a billion parameters; small models take 1e-4 and more).',
    ),
  klCoef: z
    .number()
    .min(0)
    .default(0.05)
    .describe(
      'Penalty per nat of divergence from the reference model, reward units. Higher stays closer (TRL: 0.05).',
    ),
  klEstimator: z
    .enum(['k1', 'k2', 'k3'])
    .default('k1')
    .describe('Estimator of the divergence per token; k1 = log-ratio (TRL: k1).'),
  klTarget: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Divergence per response to steer klCoef towards, nats; null = klCoef is fixed (Ziegler et al. 2019: 6).',
    ),
  klHorizon: z
    .number()
    .positive()
    .default(10_000)
    .describe('Responses over which the steered klCoef reacts (Ziegler et al. 2019: 10,000).'),
  maxUpdateKl: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Ends the passes over a batch once the policy has moved this far from the one that sampled it, nats per token; null = never.',
    ),
  cliprange: z
    .number()
    .positive()
    .lt(1)
    .default(0.2)
    .describe('Probability ratios outside 1 ± cliprange earn nothing more (TRL, Schulman et al. 2017: 0.2).'),
  cliprangeValue: z
    .number()
    .positive()
    .nullable()
    .default(0.2)
    .describe('The same for steps of the value estimate; null = not clipped (TRL: 0.2).'),
  vfCoef: z
    .number()
    .positive()
    .default(0.1)
    .describe('Weight of the value loss when policy and value share a model (TRL: 0.1).'),
  entropyCoef: z.number().min(0).default(0).describe('Weight of an entropy bonus; 0 = none.'),
  gamma: z.number().min(0).max(1).default(1).describe('Discount per token (TRL: 1).'),
  lam: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('Lambda of generalised advantage estimation (TRL: 0.95).'),
  valueModel: z
    .enum(['head', 'separate'])
    .default('separate')
    .describe(
      'Value function: a head on the policy (less memory and time), or a model of its own that starts from the reward model (TRL: separate).',
    ),
  responseLength: z.number().int().positive().default(53).describe('Most tokens of a response (TRL: 53).'),
  temperature: z
    .number()
    .positive()
    .default(0.7)
    .describe('Sampling temperature; the same distribution is trained (TRL: 0.7).'),
  missingEosPenalty: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe(
      'Taken off the score of a response that does not end, reward units; null = none (TRL: null; 1 is common).',
    ),
  rewardClip: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Scores are limited to plus or minus this; null = not (OpenRLHF: 10).'),
  normalizeRewards: z
    .boolean()
    .default(false)
    .describe('True: scores are scaled by their running mean and deviation.'),
  whitenRewards: z
    .boolean()
    .default(false)
    .describe('True: rewards per token are scaled to unit variance, mean kept (TRL: false).'),
  sampleEvery: z
    .number()
    .int()
    .positive()
    .default(10)
    .describe('Iterations between two recorded sample responses.'),
  ...memoryShape,
  ...optimizerShape,
  ...stageShape,
  loggingSteps: z.number().int().positive().default(1).describe('Iterations between two recorded events.'),
  saveSteps: z.number().int().positive().default(20).describe('Iterations between two checkpoints.'),
});
export type PpoOptions = z.infer<typeof ppoOptions>;
