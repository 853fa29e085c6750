import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  type DecoderConfig,
  decoderSpecs,
  initialiseParameters,
  ParameterStore,
  parameterSpecs,
  scalarHeadSpec,
} from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { learningRateAt } from '../tensor/index.ts';
import {
  type PpoInputs,
  type PpoOptions,
  type PpoResult,
  ppoOptions,
  trainPpo,
  valueHeadName,
} from './ppo.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { letterTokenizer } from './testing/letter-tokenizer.ts';

/** Id 0 ends responses and is also what batches are padded with: the trap of most implementations. */
const end = 0;
const liked = 7;

const prompts = Array.from({ length: 12 }, (_, i) => {
  const ids = [20 + (i % 8), ...new Array(i % 5).fill(25)];
  return { ids, text: letterTokenizer.decode(ids) };
});

/** Part of a response that is the liked token. */
const likes = async (items: readonly RewardItem[]): Promise<number[]> =>
  items.map(({ response }) => Array.from(response).filter((id) => id === liked).length / response.length);

function models(
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

interface Outcome {
  readonly result: PpoResult;
  readonly context: RecordedContext;
  readonly inputs: ReturnType<typeof models>;
}

async function train(
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
function eventOf({ context }: Outcome, iteration: number): Readonly<Record<string, number>> {
  const found = context.events.find(({ step }) => step === iteration);
  expect(found).toBeDefined();
  return found!.metrics;
}

function movement(a: ParameterStore, b: ParameterStore): number {
  return Math.sqrt(a.values.reduce((all, value, i) => all + (value - b.values[i]) ** 2, 0));
}

describe('trainPpo', () => {
  it.each(['head', 'separate'] as const)(
    'raises a reward within a bounded divergence (value: %s)',
    async (valueModel) => {
      const outcome = await train({
        totalEpisodes: 12 * 32,
        batchSize: 32,
        valueModel,
        klCoef: 0.02,
        lrSchedulerType: 'constant',
      });
      const scores = curve(outcome.context, 'objective/scores');
      expect(scores[0]).toBeLessThan(0.12); // 1 of 29 tokens by chance
      expect(scores.at(-1)).toBeGreaterThan(0.4);
      expect(outcome.result.score).toBe(scores.at(-1));
      expect(outcome.result.kl).toBeGreaterThan(1);
      expect(outcome.result.kl).toBeLessThan(40);
      expect(outcome.result).toMatchObject({ iterations: 12, episodes: 384 });
      // The value function has learnt to expect it.
      const explained = curve(outcome.context, 'val/explained_variance');
      expect(explained.at(-1)).toBeGreaterThan(explained[0]);
    },
  );

  it('stays closer to the reference under a larger penalty', async () => {
    const run = (klCoef: number) =>
      train({ totalEpisodes: 8 * 24, batchSize: 24, klCoef, lrSchedulerType: 'constant' });
    const [free, held] = [await run(0), await run(1)];
    expect(held.result.kl).toBeLessThan(0.3 * free.result.kl);
  });
});
