/** Options of REINFORCE leave-one-out. */
import { z } from 'zod';
import { klProblems } from './kl-penalty.ts';
import type { OptionProblem, OptionRules } from './option-rules.ts';
import {
  clipShape,
  groupSamplingShape,
  klShape,
  policyUpdateShape,
  samplingCorrectionShape,
} from './policy-options.ts';
import { groupProblems } from './policy-rules.ts';

export const rlooOptions = z.strictObject({
  ...groupSamplingShape,
  numGenerations: z
    .number()
    .int()
    .min(2)
    .default(2)
    .describe('Responses to each prompt, each measured against the others (TRL: 2).'),
  normalizeAdvantages: z
    .boolean()
    .default(false)
    .describe('True: advantages are scaled to mean 0 and deviation 1 over the batch (TRL: false).'),
  rewardClipRange: z
    .tuple([z.number(), z.number()])
    .nullable()
    .default(null)
    .describe('Scores are limited to [lowest, highest] before the penalty; null = not (TRL: null).'),
  importanceSamplingLevel: z
    .enum(['sequence', 'token'])
    .default('sequence')
    .describe(
      'One importance ratio per response, which is the action in RLOO, or per token as in OpenRLHF and verl (TRL: sequence).',
    ),
  ...clipShape,
  ...klShape,
  beta: klShape.beta
    .unwrap()
    .default(0.05)
    .describe(
      'Penalty per nat of divergence from the reference model, reward units. Higher stays closer; 0 = no reference model is held (TRL: 0.05).',
    ),
  klEstimator: klShape.klEstimator
    .unwrap()
    .default('k1')
    .describe(
      'Estimator of the divergence per token: log-ratio, half its square, or e^−d − 1 + d (TRL: k1).',
    ),
  klIn: klShape.klIn
    .unwrap()
    .default('reward')
    .describe('Whether the penalty is taken off the reward, or is a term of the loss (TRL: reward).'),
  ...samplingCorrectionShape,
  ...policyUpdateShape,
});
export type RlooOptions = z.infer<typeof rlooOptions>;

export const rlooRules: OptionRules<Omit<RlooOptions, 'seed'>> = (options) => {
  const problems: OptionProblem[] = [...groupProblems(options), ...klProblems(options)];
  const { rewardClipRange: range, importanceSamplingMode: mode } = options;
  if (range && !(range[0] < range[1])) {
    problems.push({ option: 'rewardClipRange', rule: 'must rise from lowest to highest' });
  }
  if (options.importanceSamplingLevel === 'sequence' && mode?.startsWith('token')) {
    problems.push({
      option: 'importanceSamplingMode',
      rule: 'weighs tokens, but a whole response has one ratio: use a mode of the sequence, or importanceSamplingLevel token',
    });
  }
  return problems;
};
