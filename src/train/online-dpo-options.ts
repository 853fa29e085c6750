/** Options of online DPO. */
import { z } from 'zod';
import { dpoLossProblems, dpoLossShape } from './dpo-options.ts';
import type { OptionProblem, OptionRules } from './option-rules.ts';
import { groupSamplingShape, klShape, policyUpdateShape } from './policy-options.ts';
import { groupProblems } from './policy-rules.ts';

export const onlineDpoOptions = z.strictObject({
  ...groupSamplingShape,
  numGenerations: z
    .number()
    .int()
    .min(2)
    .default(2)
    .describe(
      'Responses to each prompt, of which the best and the worst make the pair; a judge compares two (TRL: 2).',
    ),
  maxCompletionLength: groupSamplingShape.maxCompletionLength
    .unwrap()
    .default(64)
    .describe('Most tokens of a response (TRL’s max_new_tokens: 64).'),
  temperature: groupSamplingShape.temperature
    .unwrap()
    .default(0.9)
    .describe('Sampling temperature; the same distribution is trained (TRL: 0.9).'),
  ...dpoLossShape,
  syncRefModel: klShape.syncRefModel,
  refModelMixupAlpha: klShape.refModelMixupAlpha,
  refModelSyncSteps: klShape.refModelSyncSteps,
  ...policyUpdateShape,
  learningRate: policyUpdateShape.learningRate
    .unwrap()
    .default(5e-7)
    .describe(
      'Peak learning rate (TRL: 5e-7, for models of a billion parameters; small models take 1e-4 and more).',
    ),
});
export type OnlineDpoOptions = z.infer<typeof onlineDpoOptions>;

export const onlineDpoRules: OptionRules<Omit<OnlineDpoOptions, 'seed'>> = (options) => {
  const { batchSize, numGenerations, stepsPerGeneration } = options;
  const problems: OptionProblem[] = [
    ...groupProblems({ batchSize, numGenerations }),
    ...dpoLossProblems(options),
  ];
  const pairs = batchSize / numGenerations;
  if (Number.isInteger(pairs) && pairs % stepsPerGeneration !== 0) {
    problems.push({
      option: 'stepsPerGeneration',
      rule: `must divide the ${pairs} pairs of a batch into equal steps`,
    });
  }
  return problems;
};
