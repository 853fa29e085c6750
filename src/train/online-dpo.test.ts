import { describe, expect, it } from 'vitest';
import type { PairToJudge } from './choose-pairs.ts';
import { type OnlineDpoInputs, trainOnlineDpo } from './online-dpo.ts';
import { type OnlineDpoOptions, onlineDpoOptions } from './online-dpo-options.ts';
import type { PolicyResult } from './policy-report.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { type PolicyOutcome, runToy, toyOptions } from './testing/policy-toy.ts';
import { models, movement } from './testing/ppo-toy.ts';

function train(
  options: Partial<OnlineDpoOptions> = {},
  changes: Partial<OnlineDpoInputs> = {},
  context?: RecordedContext,
): Promise<PolicyOutcome<PolicyResult>> {
  const parsed = onlineDpoOptions.parse({ ...toyOptions, numGenerations: 2, temperature: 1, ...options });
  return runToy(
    (given: OnlineDpoOptions, inputs, stage) => trainOnlineDpo(given, { ...inputs, ...changes }, stage),
    parsed,
    {},
    context,
  );
}

/** A judge with the taste of the toy's reward: the letter of id 7 is g. */
const judge = async (pairs: readonly PairToJudge[]): Promise<(0 | 1 | null)[]> =>
  pairs.map(({ responses }) => {
    const [a, b] = responses.map((text) => text.split('g').length / (text.length + 1));
    return a === b ? null : a > b ? 0 : 1;
  });

describe('trainOnlineDpo', () => {
  it.each([2, 4])('raises a reward by pairs of the best and the worst of %i', async (numGenerations) => {
    const { context, result } = await train({
      numGenerations,
      totalEpisodes: 5 * 32,
      batchSize: 32,
      beta: 0.05,
    });
    const scores = curve(context, 'objective/scores');
    expect(scores[0]).toBeLessThan(0.12);
    expect(scores.at(-1)).toBeGreaterThan(scores[0] + 0.06);
    expect(result).toMatchObject({ iterations: 5, episodes: 160 });
    expect(curve(context, 'reward')).toEqual(scores);
  });

  it('learns from a judge instead of a reward', async () => {
    const seen = await train({ totalEpisodes: 5 * 32, batchSize: 32, beta: 0.05 }, { judge });
    const judged = await train(
      { totalEpisodes: 5 * 32, batchSize: 32, beta: 0.05 },
      { judge, reward: undefined },
    );
    // The reward is only recorded where a judge chooses.
    expect(judged.policy.values).toEqual(seen.policy.values);
    const scores = curve(seen.context, 'objective/scores');
    expect(scores.at(-1)).toBeGreaterThan(scores[0] + 0.06);
    expect(curve(judged.context, 'objective/scores')).toEqual([]);
    expect(curve(judged.context, 'reward')).toEqual([]);
    expect(curve(judged.context, 'rewards/accuracies')).toHaveLength(5);
  });

  it('records what TRL records', async () => {
    const { context } = await train({ beta: 0.1, totalEpisodes: 32, missingEosPenalty: 0.5 });
    const [first, second] = context.events.map(({ metrics }) => metrics);
    expect(first.loss).toBeCloseTo(Math.LN2, 5); // the policy is still the reference
    expect(first['rewards/margins']).toBeCloseTo(0, 5);
    expect(first['objective/scores_margin']).toBeGreaterThan(0);
    expect(first['val/contain_eos_token']).toBeCloseTo(1 - first['completions/clipped_ratio'], 6);
    expect(first['objective/scores']).toBeCloseTo(first.reward - 0.5 * first['completions/clipped_ratio'], 5);
    expect(first['objective/entropy']).toBeGreaterThan(2);
    expect(second['objective/non_score_reward']).toBeCloseTo(-0.1 * second['objective/kl'], 5);
    expect(second['objective/rlhf_reward']).toBeCloseTo(
      second['objective/scores'] - 0.1 * second['objective/kl'],
      5,
    );
    expect(second['logps/chosen']).toBeLessThan(0);
    expect(second['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
  });

  it('means scores over the responses that could be scored', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<(number | null)[]> =>
      items.map((_, i) => (i % 4 ? i % 4 : null));
    const { context } = await train({}, { reward });
    expect(curve(context, 'objective/scores')).toEqual([2]); // of 1, 2 and 3
    // Of each two groups the first has one score; in the second 3 wins over 2.
    expect(curve(context, 'objective/scores_margin')).toEqual([1]);
    expect(curve(context, 'undecided_ratio')).toEqual([0.5]);
  });

  it('learns nothing where nothing is decided, and says so', async () => {
    const flat = await train({}, { reward: async (items) => items.map(() => 1) });
    expect(movement(flat.policy, models('separate').policy)).toBe(0);
    expect(curve(flat.context, 'undecided_ratio')).toEqual([1]);
    expect(flat.context.warnings[0]).toContain('no prompt has a better and a worse response');
  });

  it('gives the same however a step is cut, with length weights, on-policy weights and sorted pairs', async () => {
    const cases: Partial<OnlineDpoOptions>[] = [{ ldAlpha: 0.5, useWeighting: true }, { lossType: 'aot' }];
    for (const shared of cases) {
      const whole = await train({ ...shared, totalEpisodes: 32 });
      const cut = await train({ ...shared, totalEpisodes: 32, microBatchTokens: 1 });
      for (const metric of ['loss', 'rewards/margins', 'grad_norm']) {
        const expected = curve(whole.context, metric);
        curve(cut.context, metric).forEach(
          (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 3),
        );
      }
    }
  });

  it('refuses what does not go together', async () => {
    await expect(train({}, { reward: undefined })).rejects.toThrow('Online DPO needs something that chooses');
    await expect(train({ numGenerations: 4 }, { judge })).rejects.toThrow(
      'a judge compares two responses, but numGenerations is 4; set it to 2',
    );
    await expect(train({ batchSize: 6, stepsPerGeneration: 2 })).rejects.toThrow(
      'stepsPerGeneration (2) must divide the 3 pairs of a batch into equal steps',
    );
  });

  it('resumes to the same bits, with a reference that follows', async () => {
    const options = {
      totalEpisodes: 3 * 16,
      syncRefModel: true,
      refModelSyncSteps: 2,
      stepsPerGeneration: 2,
    };
    const whole = await train(options, { judge });
    const folder = temporaryFolder();
    await expect(train(options, { judge }, recordContext({ folder, stopAfter: 1 }))).rejects.toThrow(
      'Stopped after iteration 1 of 3; the state is saved.',
    );
    const resumed = await train(options, { judge }, recordContext({ folder, resume: true }));
    expect(resumed.policy.values).toEqual(whole.policy.values);
    expect(resumed.reference.values).toEqual(whole.reference.values);
    expect(resumed.result).toEqual(whole.result);
  });
});
