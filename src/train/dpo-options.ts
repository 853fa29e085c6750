/** Options of direct preference optimisation. */
import { z } from 'zod';
import type { DpoLossType } from '../objective/index.ts';
import type { OptionProblem, OptionRules } from './option-rules.ts';
import { klShape } from './policy-options.ts';
import { pairDataShape, preferenceShape } from './preference-options.ts';

/** The losses of `src/objective/dpo-losses.ts`. */
const lossTypes = [
  'sigmoid',
  'cdpo',
  'hinge',
  'ipo',
  'exo_pair',
  'nca_pair',
  'robust',
  'bco_pair',
  'sppo_hard',
  'aot',
  'aot_unpaired',
  'apo_zero',
  'apo_down',
  'discopop',
  'sigmoid_norm',
  'sft',
] as const satisfies readonly DpoLossType[];

/** What DPO and its online form share. */
export const dpoLossShape = {
  lossType: z
    .union([z.enum(lossTypes), z.array(z.enum(lossTypes)).min(1)])
    .default('sigmoid')
    .describe(
      'The loss, or a list of them, added up with lossWeights as in MPO (TRL: sigmoid, which is DPO itself).',
    ),
  lossWeights: z.array(z.number()).nullable().default(null).describe('One weight per loss; null = 1 each.'),
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe('Strength of the tie to the reference model, per nat; higher stays closer (TRL: 0.1).'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe(
      'Assumed probability that a label is wrong, for cdpo, robust, exo_pair and aot; 0 = none (TRL: 0).',
    ),
  fDivergenceType: z
    .enum(['reverse_kl', 'forward_kl', 'js_divergence', 'alpha_divergence'])
    .default('reverse_kl')
    .describe('Divergence from the reference model that is penalised (TRL: reverse_kl).'),
  fAlphaDivergenceCoef: z.number().default(0.5).describe('Alpha of alpha_divergence (TRL: 0.5).'),
  discopopTau: z.number().positive().default(0.05).describe('Temperature of discopop (TRL: 0.05).'),
  useWeighting: z
    .boolean()
    .default(false)
    .describe('True: pairs weigh more, the likelier the policy itself would write them (WPO) (TRL: false).'),
  ldAlpha: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe(
      'Weight of the tokens beyond the length of the shorter response (LD-DPO); lower cares less about length; null = 1 (TRL: null).',
    ),
};

export const dpoOptions = z.strictObject({
  ...pairDataShape,
  ...dpoLossShape,
  precomputeRefLogProbs: z
    .boolean()
    .default(true)
    .describe(
      'True: the reference model judges all pairs once, before the first step, and is then not kept in memory; false: each step’s pairs in that step (TRL: false).',
    ),
  syncRefModel: z
    .boolean()
    .default(false)
    .describe(
      'True: the reference model follows the policy (TR-DPO, arXiv:2404.09656); needs precomputeRefLogProbs: false (TRL: false).',
    ),
  refModelMixupAlpha: klShape.refModelMixupAlpha,
  refModelSyncSteps: klShape.refModelSyncSteps,
  ...preferenceShape,
});
export type DpoOptions = z.infer<typeof dpoOptions>;

/** The part of the options that makes the loss. */
export type DpoLossOptions = Pick<DpoOptions, keyof typeof dpoLossShape>;

/** The losses with their weights. */
export function lossesOf({
  lossType,
  lossWeights,
}: Pick<DpoLossOptions, 'lossType' | 'lossWeights'>): readonly { type: DpoLossType; weight: number }[] {
  return [lossType].flat().map((type, i) => ({ type, weight: lossWeights?.[i] ?? 1 }));
}

/** What does not go together in a loss. */
export function dpoLossProblems(options: DpoLossOptions): OptionProblem[] {
  const { lossWeights, labelSmoothing } = options;
  const losses = lossesOf(options);
  const problems: OptionProblem[] = [];
  if (lossWeights && lossWeights.length !== losses.length) {
    const count = losses.length === 1 ? 'the one loss' : `each of the ${losses.length} losses`;
    problems.push({ option: 'lossWeights', rule: `must have one weight for ${count}` });
  }
  if (losses.some(({ type }) => type === 'exo_pair') && labelSmoothing === 0) {
    problems.push({
      option: 'labelSmoothing',
      rule: 'must be above 0 for exo_pair, which takes its logarithm; 0.001 is usual',
    });
  }
  return problems;
}

export const dpoRules: OptionRules<Omit<DpoOptions, 'seed'>> = (options) => {
  const problems = dpoLossProblems(options);
  if (options.syncRefModel && options.precomputeRefLogProbs) {
    problems.push({
      option: 'precomputeRefLogProbs',
      rule: 'must be false with syncRefModel: a reference that moves has to judge again',
    });
  }
  return problems;
};
