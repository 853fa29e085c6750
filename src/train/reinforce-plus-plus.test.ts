import { describe, expect, it } from 'vitest';
import type { PolicyInputs } from './group-sampler.ts';
import type { PolicyResult } from './policy-report.ts';
import { trainReinforcePlusPlus } from './reinforce-plus-plus.ts';
import { type ReinforcePlusPlusOptions, reinforcePlusPlusOptions } from './reinforce-plus-plus-options.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { type PolicyOutcome, runToy, toyOptions } from './testing/policy-toy.ts';
import { models, movement } from './testing/ppo-toy.ts';

function train(
  options: Partial<ReinforcePlusPlusOptions> = {},
  changes: Partial<PolicyInputs> = {},
  context?: RecordedContext,
): Promise<PolicyOutcome<PolicyResult>> {
  const parsed = reinforcePlusPlusOptions.parse({ ...toyOptions, ...options });
  return runToy(trainReinforcePlusPlus, parsed, changes, context);
}

const forms = [
  { baseline: 'none', numGenerations: 1 },
  { baseline: 'group', numGenerations: 4 },
] as const;

describe('trainReinforcePlusPlus', () => {
  it.each(forms)('raises a reward (baseline: $baseline)', async (form) => {
    const { context, result } = await train({ ...form, totalEpisodes: 4 * 32, batchSize: 32, beta: 0.001 });
    const rewards = curve(context, 'reward');
    expect(rewards[0]).toBeLessThan(0.12);
    expect(rewards.at(-1)).toBeGreaterThan(rewards[0] + 0.08);
    expect(result).toMatchObject({ iterations: 4, episodes: 128 });
  });

  it.each(forms)('keeps to the reference under a penalty (baseline: $baseline)', async (form) => {
    const run = async (beta: number): Promise<number> =>
      (await train({ ...form, totalEpisodes: 4 * 16, beta, rewardClip: null })).result.kl!;
    expect(await run(1)).toBeLessThan(0.5 * (await run(1e-6)));
  });

  it('puts the penalty of the baseline form into the loss, by k2, and of the other into the rewards, by k1', async () => {
    const run = async (form: (typeof forms)[number]): Promise<RecordedContext> =>
      (await train({ ...form, totalEpisodes: 3 * 16, beta: 0.01 })).context;
    // k2 is never negative; k1 is the log-ratio itself, which objective/kl adds up over a response.
    const group = await run(forms[1]);
    expect(Math.min(...curve(group, 'kl'))).toBeGreaterThanOrEqual(0);
    expect(curve(group, 'kl').at(-1)).not.toBeCloseTo(
      curve(group, 'objective/kl').at(-1)! / curve(group, 'completions/mean_length').at(-1)!,
      5,
    );
    const none = await run(forms[0]);
    expect(curve(none, 'kl').at(-1)).toBeCloseTo(
      curve(none, 'objective/kl').at(-1)! / curve(none, 'completions/mean_length').at(-1)!,
      6,
    );
  });

  it('learns from how scores differ within a group, not between groups', async () => {
    const perPrompt = async (items: readonly RewardItem[]): Promise<number[]> =>
      items.map(({ prompt }) => prompt.length); // the same for all responses to a prompt
    const start = models('separate').policy;
    const group = await train({ ...forms[1], beta: 0 }, { reward: perPrompt });
    expect(movement(group.policy, start)).toBe(0);
    const none = await train({ ...forms[0], beta: 0 }, { reward: perPrompt });
    expect(movement(none.policy, start)).toBeGreaterThan(0.01);
  });

  it('refuses what nothing could score, and options that do not go together', async () => {
    await expect(train({}, { reward: async (items) => items.map(() => null) })).rejects.toThrow(
      'conditionScores: scores 0, 1, 2, 3, 4, 5, 6, 7 and 8 more are not finite (first: NaN)',
    );
    await expect(train({ baseline: 'group', numGenerations: 1, klIn: 'reward' })).rejects.toThrow(
      'REINFORCE++: numGenerations (1) must be at least 2 with baseline group, which compares them; ' +
        'klIn ("reward") cannot be reward with baseline group',
    );
  });

  it.each(forms)('resumes to the same bits (baseline: $baseline)', async (form) => {
    const options = { ...form, totalEpisodes: 3 * 16, stepsPerGeneration: 2, klTarget: 0.1, beta: 0.1 };
    const whole = await train(options);
    const folder = temporaryFolder();
    await expect(train(options, {}, recordContext({ folder, stopAfter: 1 }))).rejects.toThrow(
      'Stopped after iteration 1 of 3; the state is saved.',
    );
    const resumed = await train(options, {}, recordContext({ folder, resume: true }));
    expect(resumed.policy.values).toEqual(whole.policy.values);
    expect(resumed.result).toEqual(whole.result);
    expect(curve(resumed.context, 'kl_coef')).toEqual(curve(whole.context, 'kl_coef').slice(1));
  });
});
