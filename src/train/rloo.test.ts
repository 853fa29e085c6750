import { describe, expect, it } from 'vitest';
import type { PolicyInputs } from './group-sampler.ts';
import type { PolicyResult } from './policy-report.ts';
import type { RewardItem } from './reward-function.ts';
import { trainRloo } from './rloo.ts';
import { type RlooOptions, rlooOptions } from './rloo-options.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { type PolicyOutcome, runToy, toyOptions } from './testing/policy-toy.ts';
import { models, movement } from './testing/ppo-toy.ts';

function train(
  options: Partial<RlooOptions> = {},
  changes: Partial<PolicyInputs> = {},
  context?: RecordedContext,
): Promise<PolicyOutcome<PolicyResult>> {
  return runToy(trainRloo, rlooOptions.parse({ ...toyOptions, ...options }), changes, context);
}

describe('trainRloo', () => {
  it.each(['sequence', 'token'] as const)(
    'raises a reward (ratio per %s)',
    async (importanceSamplingLevel) => {
      const { context, result } = await train({
        importanceSamplingLevel,
        totalEpisodes: 4 * 32,
        batchSize: 32,
        beta: 0.001,
      });
      const rewards = curve(context, 'reward');
      expect(rewards[0]).toBeLessThan(0.12);
      expect(rewards.at(-1)).toBeGreaterThan(rewards[0] + 0.08);
      expect(result).toMatchObject({ iterations: 4, episodes: 128, reward: rewards.at(-1) });
      expect(result.kl).toBeGreaterThan(0.1);
    },
  );

  it('pays less for leaving the reference, in the reward or in the loss', async () => {
    const run = async (options: Partial<RlooOptions>): Promise<number> =>
      (await train({ totalEpisodes: 4 * 16, ...options })).result.kl!;
    const free = await run({ beta: 1e-6 });
    expect(await run({ beta: 1 })).toBeLessThan(0.5 * free);
    expect(await run({ beta: 1, klIn: 'loss' })).toBeLessThan(0.5 * free);
  });

  it('clips scores and ignores a constant', async () => {
    const start = models('separate').policy;
    const far = async (items: readonly RewardItem[]): Promise<number[]> => items.map((_, i) => 100 + i);
    // All scores are above the range, so they become equal and every advantage is 0.
    const clipped = await train({ rewardClipRange: [-1, 1], beta: 0 }, { reward: far });
    expect(movement(clipped.policy, start)).toBe(0);
    expect(curve(clipped.context, 'reward')[0]).toBeCloseTo(107.5, 4); // recorded as they came
    expect(movement((await train({ beta: 0 }, { reward: far })).policy, start)).toBeGreaterThan(0.01);
  });

  it('takes advantages as they are, or scales them', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<number[]> =>
      items.map((_, i) => (i % 4) * 1000);
    const advantages = async (normalizeAdvantages: boolean): Promise<number[]> => {
      const { context } = await train({ normalizeAdvantages, beta: 0 }, { reward });
      return context.samples.map(({ scores }) => scores.advantage);
    };
    // The first of a group has 0; the others 1000, 2000 and 3000, 2000 on average.
    expect(await advantages(false)).toEqual([-2000, -2000, -2000]);
    // Advantages of a group: −2000, −667, 667, 2000; their deviation over 16 is √(4 · 8.889e6 / 15) = 1539.6.
    for (const value of await advantages(true)) expect(value).toBeCloseTo(-2000 / 1539.6, 3);
  });

  it('agrees with itself when the sampler is corrected for, whose probabilities are the trainer’s', async () => {
    for (const options of [
      { importanceSamplingMode: 'sequence_mask' },
      { importanceSamplingLevel: 'token', importanceSamplingMode: 'token_truncate' },
    ] as const) {
      const corrected = await train({ totalEpisodes: 32, ...options });
      const plain = await train({ totalEpisodes: 32, ...options, importanceSamplingMode: null });
      for (const metric of ['loss', 'grad_norm', 'reward']) {
        const [a, b] = [corrected, plain].map(({ context }) => curve(context, metric));
        a.forEach((value, i) => void expect(value, metric).toBeCloseTo(b[i], 3));
      }
      expect(curve(corrected.context, 'sampling/importance_sampling_ratio/mean')[0]).toBeCloseTo(1, 4);
    }
  });

  it('refuses options that do not go together', async () => {
    await expect(train({ rewardClipRange: [1, 1], importanceSamplingMode: 'token_mask' })).rejects.toThrow(
      'RLOO: rewardClipRange ([1,1]) must rise from lowest to highest; importanceSamplingMode ("token_mask") weighs ' +
        'tokens, but a whole response has one ratio: use a mode of the sequence, or importanceSamplingLevel token',
    );
  });

  it.each(['sequence', 'token'] as const)(
    'resumes to the same bits (%s)',
    async (importanceSamplingLevel) => {
      const options = {
        totalEpisodes: 3 * 16,
        importanceSamplingLevel,
        numIterations: 2,
        klTarget: 0.1,
        klIn: importanceSamplingLevel === 'token' ? 'loss' : 'reward',
      } as const;
      const whole = await train(options);
      const folder = temporaryFolder();
      await expect(train(options, {}, recordContext({ folder, stopAfter: 1 }))).rejects.toThrow(
        'Stopped after iteration 1 of 3; the state is saved.',
      );
      const resumed = await train(options, {}, recordContext({ folder, resume: true }));
      expect(resumed.policy.values).toEqual(whole.policy.values);
      expect(resumed.result).toEqual(whole.result);
      expect(curve(resumed.context, 'kl_coef')).toEqual(curve(whole.context, 'kl_coef').slice(1));
    },
  );
});
