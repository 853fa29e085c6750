/** For tests: PPO on a tiny policy whose responses are letters and whose reward is a plain function. */
import { expect } from 'vitest';
import { decoderSpecs, ParameterStore, parameterSpecs, scalarHeadSpec } from '../../model/index.ts';
import { tinyModel } from '../../model/testing/tiny-model.ts';
import { type PpoInputs, type PpoResult, trainPpo, valueHeadName } from '../ppo.ts';
import { type PpoOptions, ppoOptions } from '../ppo-options.ts';
import type { RewardFunction, RewardItem } from '../reward-function.ts';
import type { PolicyPrompt } from '../rollout.ts';
import { type RecordedContext, recordContext } from './context.ts';
import { letterTokenizer } from './letter-tokenizer.ts';

/** Id 0 ends responses and is also what batches are padded with: the trap of most implementations. */
export const end: number = 0;
const liked = 7;

export const prompts: readonly PolicyPrompt[] = Array.from({ length: 12 }, (_, i) => {
  const ids = [20 + (i % 8), ...new Array(i % 5).fill(25)];
  return { ids, text: letterTokenizer.decode(ids) };
});

/** Part of a response that is the liked token. */
export const likes: RewardFunction = async (items: readonly RewardItem[]): Promise<number[]> =>
  items.map(({ response }) => Array.from(response).filter((id) => id === liked).length / response.length);

export function models(
  valueModel: 'head' | 'separate',
  spread = 0.05,
): Required<Pick<PpoInputs, 'config' | 'policy' | 'reference' | 'value'>> {
  const { config, parameters } = tinyModel({ initializerRange: spread });
  const head = scalarHeadSpec(config, { name: valueHeadName, initialisation: { kind: 'zeros' } });
  const policy = new ParameterStore([...parameterSpecs(config), ...(valueModel === 'head' ? [head] : [])]);
  policy.copyShared(parameters);
  const value = new ParameterStore([...decoderSpecs(config), head]);
  value.copyShared(parameters);
  return { config, policy, reference: parameters, value };
}

export interface Outcome {
  readonly result: PpoResult;
  readonly context: RecordedContext;
  readonly inputs: ReturnType<typeof models>;
}

export async function trainToy(
  options: Partial<PpoOptions>,
  changes: Partial<PpoInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<Outcome> {
  const parsed = ppoOptions.parse({
    threads: 1,
    totalEpisodes: 16,
    batchSize: 16,
    responseLength: 10,
    temperature: 1,
    learningRate: 0.01,
    valueModel: 'head',
    ...options,
  });
  const made = models(parsed.valueModel);
  const inputs = { ...made, reward: likes, prompts, tokenizer: letterTokenizer, stopIds: [end], ...changes };
  return { result: await trainPpo(parsed, inputs, context), context, inputs: { ...made, ...changes } };
}

/** The event of one iteration, from 1. */
export function eventOf({ context }: Outcome, iteration: number): Readonly<Record<string, number>> {
  const found = context.events.find(({ step }) => step === iteration);
  expect(found).toBeDefined();
  return found!.metrics;
}

export function movement(a: ParameterStore, b: ParameterStore): number {
  return Math.sqrt(a.values.reduce((all, value, i) => all + (value - b.values[i]) ** 2, 0));
}
