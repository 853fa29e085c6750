/** Options of group relative policy optimisation and its variants. */
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

export const grpoOptions = z.strictObject({
  ...groupSamplingShape,
  numGenerations: z
    .number()
    .int()
    .min(2)
    .default(8)
    .describe('Responses to each prompt, which are compared with one another (TRL: 8).'),
  scaleRewards: z
    .enum(['group', 'batch', 'none'])
    .default('group')
    .describe(
      'Deviation that advantages are divided by: of the group, of the batch (arXiv:2508.08221), or none (Dr. GRPO) (TRL: group).',
    ),
  lossType: z
    .enum(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo', 'cispo', 'sapo', 'vespo'])
    .default('dapo')
    .describe('How tokens are weighed and averaged; see src/objective/grpo.ts (TRL: dapo).'),
  importanceSamplingLevel: z
    .enum(['token', 'sequence'])
    .default('token')
    .describe(
      'One importance ratio per token, or per sequence as in GSPO; luspo is meant with sequence (TRL: token).',
    ),
  ...clipShape,
  delta: z
    .number()
    .gt(1)
    .nullable()
    .default(null)
    .describe(
      'Two-sided clipping: upper limit of the ratio also where the advantage is negative; null = none (TRL).',
    ),
  ...klShape,
  maskTruncatedCompletions: z
    .boolean()
    .default(false)
    .describe('True: responses that were cut off teach nothing (DAPO) (TRL: false).'),
  topEntropyQuantile: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe(
      'Only this share of the tokens, those the policy was least sure of, is learnt from; 1 = all (TRL: 1).',
    ),
  entropyCoef: z.number().default(0).describe('Weight of an entropy bonus; 0 = none (TRL: 0).'),
  offPolicyMaskThreshold: z
    .number()
    .nullable()
    .default(null)
    .describe(
      'Responses with a negative advantage that have become less likely by more than this are left out, nats per token; null = none (DeepSeek-V3.2, TRL: null).',
    ),
  sapoTemperaturePos: z
    .number()
    .positive()
    .default(1)
    .describe('sapo: temperature of positive advantages (TRL: 1).'),
  sapoTemperatureNeg: z
    .number()
    .positive()
    .default(1.05)
    .describe('sapo: temperature of negative advantages (TRL: 1.05).'),
  vespoKPos: z.number().positive().default(2).describe('vespo: k of positive advantages (TRL: 2).'),
  vespoLambdaPos: z.number().positive().default(3).describe('vespo: λ of positive advantages (TRL: 3).'),
  vespoKNeg: z.number().positive().default(3).describe('vespo: k of negative advantages (TRL: 3).'),
  vespoLambdaNeg: z.number().positive().default(2).describe('vespo: λ of negative advantages (TRL: 2).'),
  ...samplingCorrectionShape,
  ...policyUpdateShape,
});
export type GrpoOptions = z.infer<typeof grpoOptions>;

export const grpoRules: OptionRules<Omit<GrpoOptions, 'seed'>> = (options) => {
  const problems: OptionProblem[] = [...groupProblems(options), ...klProblems(options)];
  if (options.delta !== null && !['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo'].includes(options.lossType)) {
    problems.push({ option: 'delta', rule: `clips nothing with lossType ${options.lossType}; leave it out` });
  }
  return problems;
};
