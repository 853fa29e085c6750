import { describe, expect, it } from 'vitest';
import { type BestOfNResult, bestOf, type Candidates, sampleBestOfN } from './best-of-n.ts';
import { bestOfNOptions } from './best-of-n-options.ts';
import type { PolicyInputs } from './group-sampler.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, type RecordedContext, recordContext } from './testing/context.ts';
import { letterTokenizer } from './testing/letter-tokenizer.ts';
import { end, likes, models, prompts } from './testing/ppo-toy.ts';

const options = bestOfNOptions.parse({
  threads: 1,
  numGenerations: 4,
  batchSize: 5,
  maxCompletionLength: 8,
});

interface Outcome {
  readonly candidates: readonly Candidates[];
  readonly result: BestOfNResult;
  readonly batches: (readonly Candidates[])[];
  readonly context: RecordedContext;
}

async function sample(
  changes: Partial<PolicyInputs> = {},
  kept: readonly Candidates[] = [],
  context: RecordedContext = recordContext(),
): Promise<Outcome> {
  const { config, policy } = models('separate');
  const batches: (readonly Candidates[])[] = [];
  const store = { kept, add: async (batch: readonly Candidates[]) => void batches.push(batch) };
  const inputs = {
    config,
    policy,
    reward: likes,
    prompts,
    tokenizer: letterTokenizer,
    stopIds: [end],
    ...changes,
  };
  return { ...(await sampleBestOfN(options, inputs, context, store)), batches, context };
}

describe('sampleBestOfN', () => {
  it('answers every prompt N times, once and in order, batch after batch', async () => {
    const { candidates, batches, result } = await sample();
    expect(candidates.map(({ prompt }) => prompt)).toEqual(prompts.map((_, i) => i));
    expect(batches.map((batch) => batch.length)).toEqual([5, 5, 2]);
    expect(batches.flat()).toEqual(candidates);
    for (const { responses, rewards } of candidates) {
      expect(responses).toHaveLength(4);
      expect(rewards).toHaveLength(4);
    }
    expect(result).toMatchObject({ prompts: 12, responses: 48 });
    expect(result.klBound).toBeCloseTo(Math.log(4) - 3 / 4, 9);
  });

  it('tells what the best of n yields in reward and in what one really wants, at which divergence', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<number[]> =>
      items.map(({ response }) => response.length);
    const { candidates, result, context } = await sample({
      reward,
      probes: { brief: (_, text) => -text.length },
    });
    const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const curveOf = (name: string): number[] => curve(context, name);
    expect(context.events.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(curveOf('kl_bound')[1]).toBeCloseTo(Math.LN2 - 1 / 2, 9);
    expect(curveOf('reward')[0]).toBeCloseTo(
      meanOf(candidates.map(({ rewards }) => meanOf(rewards as number[]))),
      6,
    );
    expect(curveOf('reward')[3]).toBeCloseTo(
      meanOf(candidates.map(({ rewards }) => Math.max(...(rewards as number[])))),
      6,
    );
    // Equally long responses share the place of the best.
    const briefOfBest = candidates.map(({ rewards, probes }) => {
      const most = Math.max(...(rewards as number[]));
      return meanOf(probes.brief.filter((_, i) => rewards[i] === most));
    });
    expect(curveOf('probe/brief')[3]).toBeCloseTo(meanOf(briefOfBest), 6);
    expect(curveOf('probe/brief')[3]).toBeLessThan(curveOf('probe/brief')[0]); // longer was chosen
    expect(result.bestReward).toBe(curveOf('reward')[3]);
    expect(result.reward).toBe(curveOf('reward')[0]);
  });

  it('goes on from what was kept, to the same candidates', async () => {
    const whole = await sample();
    const { candidates, result, batches } = await sample({}, whole.candidates.slice(0, 5));
    expect(candidates).toEqual(whole.candidates);
    expect(result).toEqual(whole.result);
    expect(batches.map((batch) => batch.length)).toEqual([5, 2]);
  });

  it('stops between batches when asked to', async () => {
    await expect(sample({}, [], recordContext({ stopAfter: 5 }))).rejects.toThrow(
      'Stopped after prompt 5 of 12; the state is saved.',
    );
  });

  it('takes the penalty for not ending off, and passes over what cannot be scored', async () => {
    expect(bestOf({ rewards: [null, 2, 5, 5] })).toBe(2);
    expect(bestOf({ rewards: [null, null] })).toBeNull();
    const { candidates, result } = await sample({
      reward: async (items) => items.map((_, i) => (i === 3 ? null : 1)),
    });
    expect(candidates[0].rewards[3]).toBeNull();
    expect(result.bestReward).toBe(1);
  });

  it('refuses prompts that leave no room', async () => {
    const long = [{ ids: new Int32Array(250).fill(1), text: 'long' }];
    await expect(sample({ prompts: long })).rejects.toThrow(/^Best-of-N was not started/);
  });
});
