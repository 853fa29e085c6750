/** Options of rejection sampling (RAFT). */
import { z } from 'zod';
import type { OptionRules } from './option-rules.ts';
import { groupSamplingShape, klShape, policyUpdateShape } from './policy-options.ts';
import { groupProblems } from './policy-rules.ts';

export const raftOptions = z.strictObject({
  ...groupSamplingShape,
  numGenerations: z
    .number()
    .int()
    .min(2)
    .default(8)
    .describe('Responses to each prompt, of which the best one is learnt from (the paper: 8 to 32).'),
  beta: klShape.beta.describe(
    'Taken off the reward per nat of divergence from the reference model, before the best is chosen; 0 = no reference model is held (the paper: 0).',
  ),
  ...policyUpdateShape,
  stepsPerGeneration: policyUpdateShape.stepsPerGeneration.describe(
    'Optimizer steps per pass over the best responses of a batch.',
  ),
  learningRate: policyUpdateShape.learningRate
    .unwrap()
    .default(2e-5)
    .describe(
      'Peak learning rate (as SFT: 2e-5, for models of a billion parameters; small models take 1e-3).',
    ),
});
export type RaftOptions = z.infer<typeof raftOptions>;

export const raftRules: OptionRules<Omit<RaftOptions, 'seed'>> = (options) => {
  const { batchSize, numGenerations, stepsPerGeneration } = options;
  const problems = groupProblems({ batchSize, numGenerations });
  const kept = batchSize / numGenerations;
  if (Number.isInteger(kept) && kept % stepsPerGeneration !== 0) {
    problems.push({
      option: 'stepsPerGeneration',
      rule: `must divide the ${kept} best responses of a batch into equal steps`,
    });
  }
  return problems;
};
