/** Options of REINFORCE++ and its baseline form. */
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

export const reinforcePlusPlusOptions = z.strictObject({
  ...groupSamplingShape,
  baseline: z
    .enum(['none', 'group'])
    .default('none')
    .describe(
      'none: what follows a token is compared with the whole batch; group: scores less the mean of their group first, for several responses per prompt.',
    ),
  numGenerations: z
    .number()
    .int()
    .positive()
    .default(1)
    .describe(
      'Responses to each prompt; at least 2 with baseline group (OpenRLHF: 1; with the baseline 4 to 16).',
    ),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Discount per token, with baseline none (OpenRLHF: 1).'),
  ...clipShape,
  ...klShape,
  beta: klShape.beta
    .unwrap()
    .default(0.01)
    .describe(
      'Penalty per nat of divergence from the reference model, reward units. Higher stays closer; 0 = no reference model is held (OpenRLHF: 0.01).',
    ),
  klEstimator: klShape.klEstimator
    .unwrap()
    .nullable()
    .default(null)
    .describe(
      'Estimator of the divergence per token; null = k1, or k2 with baseline group (the paper, OpenRLHF).',
    ),
  klIn: klShape.klIn
    .unwrap()
    .nullable()
    .default(null)
    .describe(
      'Whether the penalty is taken off each token’s reward, or is a term of the loss; null = reward, or loss with baseline group (the paper, OpenRLHF).',
    ),
  rewardClip: z
    .number()
    .positive()
    .nullable()
    .default(10)
    .describe('Scores are limited to plus or minus this; null = not (OpenRLHF: 10).'),
  entropyCoef: z.number().min(0).default(0).describe('Weight of an entropy bonus; 0 = none.'),
  ...samplingCorrectionShape,
  ...policyUpdateShape,
});
export type ReinforcePlusPlusOptions = z.infer<typeof reinforcePlusPlusOptions>;

/** The options with the penalty that the baseline asks for where none is named. */
export function withPenalty<O extends Omit<ReinforcePlusPlusOptions, 'seed'>>(
  options: O,
): O & {
  readonly klEstimator: 'k1' | 'k2' | 'k3';
  readonly klIn: 'reward' | 'loss';
} {
  const grouped = options.baseline === 'group';
  return {
    ...options,
    klEstimator: options.klEstimator ?? (grouped ? 'k2' : 'k1'),
    klIn: options.klIn ?? (grouped ? 'loss' : 'reward'),
  };
}

export const reinforcePlusPlusRules: OptionRules<Omit<ReinforcePlusPlusOptions, 'seed'>> = (options) => {
  const resolved = withPenalty(options);
  const problems: OptionProblem[] = [...groupProblems(options), ...klProblems(resolved)];
  const grouped = options.baseline === 'group';
  if (grouped && options.numGenerations < 2) {
    problems.push({
      option: 'numGenerations',
      rule: 'must be at least 2 with baseline group, which compares them',
    });
  }
  if (grouped && options.beta > 0 && resolved.klIn === 'reward') {
    problems.push({
      option: 'klIn',
      rule: 'cannot be reward with baseline group, whose advantages are one number per response; use loss',
    });
  }
  return problems;
};
