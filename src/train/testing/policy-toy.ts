/** For tests: methods that learn from sampled responses, on the tiny policy and the rewards of `ppo-toy.ts`. */
import type { ParameterStore } from '../../model/index.ts';
import type { StageContext } from '../context.ts';
import type { PolicyInputs } from '../group-sampler.ts';
import { type RecordedContext, recordContext } from './context.ts';
import { letterTokenizer } from './letter-tokenizer.ts';
import { end, likes, models, prompts } from './ppo-toy.ts';

export interface PolicyOutcome<R> {
  readonly result: R;
  readonly context: RecordedContext;
  readonly policy: ParameterStore;
  readonly reference: ParameterStore;
}

/** Options for a run of seconds; a method adds its own. */
export const toyOptions = {
  threads: 1,
  totalEpisodes: 16,
  batchSize: 16,
  numGenerations: 4,
  maxCompletionLength: 10,
  learningRate: 0.02,
  lrSchedulerType: 'constant',
} as const;

/** Policy and reference start equal; the reward is the share of one letter in a response. */
export async function runToy<O, R>(
  train: (options: O, inputs: PolicyInputs, context: StageContext) => Promise<R>,
  options: O,
  changes: Partial<PolicyInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<PolicyOutcome<R>> {
  const { config, policy, reference: start } = models('separate');
  const inputs = {
    config,
    policy,
    reference: start.clone(),
    reward: likes,
    prompts,
    tokenizer: letterTokenizer,
    stopIds: [end],
    ...changes,
  };
  const result = await train(options, inputs, context);
  return { result, context, policy: inputs.policy, reference: inputs.reference };
}
