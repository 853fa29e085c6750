import { describe, expect, it } from 'vitest';
import type { PolicyInputs } from './group-sampler.ts';
import { type RaftResult, trainRaft } from './raft.ts';
import { type RaftOptions, raftOptions } from './raft-options.ts';
import { objectiveOf, RewardMix } from './rewards/index.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { type PolicyOutcome, runToy, toyOptions } from './testing/policy-toy.ts';
import { likes, models, movement } from './testing/ppo-toy.ts';

function train(
  options: Partial<RaftOptions> = {},
  changes: Partial<PolicyInputs> = {},
  context?: RecordedContext,
): Promise<PolicyOutcome<RaftResult>> {
  return runToy(trainRaft, raftOptions.parse({ ...toyOptions, ...options }), changes, context);
}

describe('trainRaft', () => {
  it('raises a reward by learning from the best, and prints how far that can lead', async () => {
    const { context, result } = await train({ totalEpisodes: 5 * 48, batchSize: 48, numGenerations: 6 });
    const rewards = curve(context, 'reward');
    expect(rewards[0]).toBeLessThan(0.12);
    expect(rewards.at(-1)).toBeGreaterThan(rewards[0] + 0.05);
    curve(context, 'reward_kept').forEach((kept, i) => void expect(kept).toBeGreaterThan(rewards[i]));
    expect(result.klBound).toBeCloseTo(Math.log(6) - 5 / 6, 9);
    expect(curve(context, 'kl_bound')[0]).toBe(result.klBound);
    expect(result.kl).toBeNull();
  });

  it('records the reward of the kept responses in the units of the reward, also of a mix', async () => {
    const reward = new RewardMix([objectiveOf('liked', likes)], { aggregation: 'normalize_then_sum' });
    const { context } = await train({}, { reward });
    const kept = curve(context, 'reward_kept')[0];
    expect(kept).toBeGreaterThan(curve(context, 'reward')[0]);
    expect(kept).toBeLessThanOrEqual(1); // the share of a letter, not a standard score
    const plain = await train();
    expect(kept).toBeCloseTo(curve(plain.context, 'reward_kept')[0], 6);
  });

  it('learns the kept responses only: the loss is their mean −log π per token', async () => {
    const { context } = await train({});
    // With four random responses of each group kept one by one, nothing else is in the loss: of 29 tokens, nearly equally likely.
    const loss = curve(context, 'loss')[0];
    expect(loss).toBeGreaterThan(2.5);
    expect(loss).toBeLessThan(4.2);
    const start = models('separate').policy;
    const flat = await train({}, { reward: async (items) => items.map(() => 1) });
    expect(movement(flat.policy, start)).toBe(0);
    expect(flat.context.warnings[0]).toContain('all responses have the same reward');
  });

  it('trains on the policy’s own distribution when it samples at another temperature', async () => {
    const { context } = await train({ temperature: 1.5, totalEpisodes: 32 });
    expect(curve(context, 'sampling/sampling_logp_difference/max')[0]).toBeLessThan(1e-4);
    expect(curve(context, 'loss')).toHaveLength(2);
  });

  it('chooses by reward less divergence where a penalty is wanted', async () => {
    const { context, result } = await train({ totalEpisodes: 3 * 32, batchSize: 32, beta: 0.2 });
    expect(curve(context, 'objective/kl')).toHaveLength(3);
    expect(result.kl).not.toBeNull();
  });

  it('resumes to the same bits', async () => {
    const options = { totalEpisodes: 3 * 16, numIterations: 2, stepsPerGeneration: 2 };
    const whole = await train(options);
    const folder = temporaryFolder();
    await expect(train(options, {}, recordContext({ folder, stopAfter: 2 }))).rejects.toThrow(
      'Stopped after iteration 2 of 3; the state is saved.',
    );
    const resumed = await train(options, {}, recordContext({ folder, resume: true }));
    expect(resumed.policy.values).toEqual(whole.policy.values);
    expect(resumed.result).toEqual(whole.result);
  });
});
