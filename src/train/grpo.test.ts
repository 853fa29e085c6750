import { describe, expect, it } from 'vitest';
import { tinyModel } from '../model/testing/tiny-model.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { trainGrpo } from './grpo.ts';
import { type GrpoOptions, grpoOptions } from './grpo-options.ts';
import type { PolicyResult } from './policy-report.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { type PolicyOutcome, runToy, toyOptions } from './testing/policy-toy.ts';
import { models, movement } from './testing/ppo-toy.ts';

function train(
  options: Partial<GrpoOptions> = {},
  changes: Partial<PolicyInputs> = {},
  context?: RecordedContext,
): Promise<PolicyOutcome<PolicyResult>> {
  return runToy(trainGrpo, grpoOptions.parse({ ...toyOptions, ...options }), changes, context);
}

/** An id that the policy cannot draw. */
const never = 99;

const eventOf = ({ context }: PolicyOutcome<PolicyResult>, i = 0): Readonly<Record<string, number>> =>
  context.events[i].metrics;

describe('trainGrpo', () => {
  it.each(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo', 'cispo', 'sapo', 'vespo'] as const)(
    '%s raises a reward',
    async (lossType) => {
      const { context, result } = await train({ lossType, totalEpisodes: 3 * 32, batchSize: 32 });
      const rewards = curve(context, 'reward');
      expect(rewards[0]).toBeLessThan(0.12); // 1 of 29 tokens by chance
      expect(rewards.at(-1)).toBeGreaterThan(rewards[0] + 0.06);
      expect(result).toMatchObject({ iterations: 3, episodes: 96, reward: rewards.at(-1), kl: null });
    },
  );

  it('records what TRL records, by hand from what was sampled', async () => {
    const seen: RewardItem[] = [];
    const reward = async (items: readonly RewardItem[]): Promise<number[]> => {
      seen.push(...items);
      return items.map(({ response }, i) => (i < 4 ? 1 : response.length)); // the first group is flat
    };
    const event = eventOf(await train({ beta: 0.04 }, { reward, rewardName: 'length' }));
    const scores = seen.map(({ response }, i) => (i < 4 ? 1 : response.length));
    const mean = scores.reduce((a, b) => a + b) / 16;
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / 15);
    expect(event.reward).toBeCloseTo(mean, 5);
    expect(event.reward_std).toBeCloseTo(deviation, 5);
    expect(event['rewards/length/mean']).toBe(event.reward);
    expect(event['rewards/length/std']).toBe(event.reward_std);
    const groups = [0, 4, 8, 12].map((start) => new Set(scores.slice(start, start + 4)).size);
    expect(event.frac_reward_zero_std).toBe(groups.filter((size) => size === 1).length / 4);
    const lengths = seen.map(({ response }) => response.length);
    const terminated = lengths.filter((_, i) => seen[i].ended);
    expect(event['completions/min_length']).toBe(Math.min(...lengths));
    expect(event['completions/max_length']).toBe(Math.max(...lengths));
    expect(event['completions/mean_terminated_length']).toBeCloseTo(
      terminated.reduce((a, b) => a + b, 0) / terminated.length,
      6,
    );
    expect(event['completions/clipped_ratio']).toBeCloseTo(1 - terminated.length / 16, 6);
    expect(event.num_tokens).toBe(
      seen.reduce((sum, item) => sum + item.prompt.length + item.response.length, 0),
    );
    expect(event.kl).toBeCloseTo(0, 6); // the policy is still the reference
    expect(event['objective/kl']).toBeCloseTo(0, 4);
    expect(event.entropy).toBeGreaterThan(2);
    expect(event['clip_ratio/region_mean']).toBe(0); // on-policy
    expect(event['sampling/sampling_logp_difference/mean']).toBeLessThan(1e-5);
    expect(event['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
  });

  it('moves by the gradient of the sampled groups: only the responses of groups with spread count', async () => {
    // Flat groups have advantage 0 everywhere, and nothing else moves the policy.
    const flat = await train({}, { reward: async (items) => items.map(() => 3) });
    expect(movement(flat.policy, models('separate').policy)).toBe(0);
    expect(eventOf(flat).frac_reward_zero_std).toBe(1);
    expect(flat.context.warnings).toEqual([expect.stringContaining('all responses have the same reward')]);
  });

  it('leaves out what nothing could score', async () => {
    const unscored = async (items: readonly RewardItem[]): Promise<(number | null)[]> =>
      items.map(() => null);
    const none = await train({}, { reward: unscored });
    expect(movement(none.policy, models('separate').policy)).toBe(0);
    expect(eventOf(none)['rewards/reward/unscored']).toBe(1);
    const some = await train({}, { reward: async (items) => items.map((_, i) => (i % 4 ? i % 3 : null)) });
    // Scored are 1, 2, 3; 5, 6, 7; … modulo 3: 1, 2, 0, 2, 0, 1, 0, 1, 2, 1, 2, 0.
    expect(eventOf(some).reward).toBeCloseTo(1, 6);
    expect(eventOf(some)['rewards/reward/unscored']).toBe(0.25);
    expect(movement(some.policy, models('separate').policy)).toBeGreaterThan(0.01);
  });

  it.each([{ lossType: 'grpo' }, { lossType: 'dapo', topEntropyQuantile: 0.5, entropyCoef: 0.1 }] as const)(
    'gives the same however a step is cut into micro-batches, extremes included (%j)',
    async (one) => {
      const options = { beta: 0.1, numIterations: 2, ...one };
      const whole = eventOf(await train(options));
      const cut = eventOf(await train({ ...options, microBatchTokens: 1 }));
      for (const metric of Object.keys(whole).filter((name) => !/time|sampling/.test(name))) {
        expect(cut[metric], metric).toBeCloseTo(whole[metric], 4);
      }
      expect(whole['clip_ratio/high_max']).toBeGreaterThan(0);
    },
  );

  it('trusts the sampler only where the step itself can tell: same result as with a pass of its own', async () => {
    const trusted = await train({ totalEpisodes: 48 });
    // With the correction on, log-probabilities are computed by the trainer; its weights are 1 here.
    const computed = await train({ totalEpisodes: 48, importanceSamplingMode: 'token_truncate' });
    const last = (outcome: PolicyOutcome<PolicyResult>): Readonly<Record<string, number>> =>
      eventOf(outcome, 2);
    for (const metric of ['reward', 'loss', 'entropy', 'grad_norm', 'completions/mean_length']) {
      expect(last(computed)[metric], metric).toBeCloseTo(last(trusted)[metric], 3);
    }
    const event = last(computed);
    expect(event['sampling/importance_sampling_ratio/mean']).toBeCloseTo(1, 4);
    expect(event['sampling/importance_sampling_ratio/min']).toBeGreaterThan(0.999);
    expect(event['sampling/limited_fraction']).toBe(0);
    expect(event['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
  });

  it('a penalty in the loss or in the reward keeps the policy close', async () => {
    const run = async (options: Partial<GrpoOptions>): Promise<number> =>
      (await train({ totalEpisodes: 4 * 16, ...options })).result.kl!;
    const free = await run({ beta: 1e-6 });
    expect(free).toBeGreaterThan(0.5);
    expect(await run({ beta: 1, klIn: 'loss', klEstimator: 'k1' })).toBeLessThan(0.5 * free);
    expect(await run({ beta: 1, klIn: 'loss', klEstimator: 'k2' })).toBeLessThan(0.5 * free);
    expect(await run({ beta: 1, klIn: 'reward', klEstimator: 'k1' })).toBeLessThan(0.5 * free);
  });

  it('steers beta towards a divergence', async () => {
    const { context } = await train({ totalEpisodes: 4 * 16, beta: 0.1, klTarget: 0.5, klHorizon: 64 });
    const coefficients = curve(context, 'kl_coef');
    const kls = curve(context, 'objective/kl');
    let expected = 0.1;
    for (const [i, coefficient] of coefficients.entries()) {
      expect(coefficient).toBeCloseTo(expected, 9);
      expected *= 1 + (Math.min(0.2, Math.max(-0.2, kls[i] / 0.5 - 1)) * 16) / 64;
    }
    expect(new Set(coefficients).size).toBe(4);
  });

  it('lets the reference follow the policy', async () => {
    const options = { beta: 0.01, totalEpisodes: 32, syncRefModel: true, refModelSyncSteps: 2 };
    const { policy, reference } = await train({ ...options, refModelMixupAlpha: 1 });
    expect(reference.values).toEqual(policy.values);
    const half = await train({ ...options, refModelMixupAlpha: 0.5 });
    const start = models('separate').policy;
    const name = 'model.norm.weight';
    half.reference.view(name).forEach((value, i) => {
      expect(value).toBeCloseTo((start.view(name)[i] + half.policy.view(name)[i]) / 2, 6);
    });
  });

  it('leaves out responses that were cut off', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<number[]> =>
      items.map(({ ended }, i) => (ended ? 0 : i)); // only cut ones differ
    const options = { maskTruncatedCompletions: true, lossType: 'grpo', scaleRewards: 'none' } as const;
    const start = models('separate').policy;
    const all = await train({ ...options, maskTruncatedCompletions: false }, { reward, stopIds: [never] });
    expect(movement(all.policy, start)).toBeGreaterThan(0.01);
    // No token ends a response, so nothing is left to learn from.
    const none = await train(options, { reward, stopIds: [never] });
    expect(eventOf(none)['completions/clipped_ratio']).toBe(1);
    expect(movement(none.policy, start)).toBe(0);
  });

  it('learns from the least certain tokens only, and with an entropy bonus', async () => {
    const { context } = await train({
      totalEpisodes: 5 * 32,
      batchSize: 32,
      topEntropyQuantile: 0.5,
      entropyCoef: 0.01,
    });
    const rewards = curve(context, 'reward');
    expect(rewards.at(-1)).toBeGreaterThan(rewards[0] + 0.06);
  });

  it('trains the end token also where padding has its id: a policy paid for ending learns to end', async () => {
    const { context } = await train(
      { totalEpisodes: 5 * 32, batchSize: 32, learningRate: 0.04 },
      { reward: async (items) => items.map(({ ended }) => (ended ? 1 : 0)) },
    );
    const cut = curve(context, 'completions/clipped_ratio');
    expect(cut[0]).toBeGreaterThan(0.4); // ten tokens, each the end by a chance of 1/29
    expect(cut.at(-1)).toBeLessThan(0.6 * cut[0]);
  });

  it('refuses responses of another policy than the one trained', async () => {
    const other = tinyModel({ initializerRange: 0.05 }).parameters;
    const norm = other.view('model.norm.weight');
    norm.set(norm.map((weight, i) => weight * (i % 2 ? 3 : 0.2)));
    // The first pass of the update is given other weights than the sampler had.
    const reward = async (items: readonly RewardItem[]): Promise<number[]> => {
      policy.copyFrom(other);
      return items.map((_, i) => i);
    };
    const { policy } = models('separate');
    await expect(train({}, { policy, reward })).rejects.toThrow(
      /differ from the trainer's by \d\.\d+ nats per token on average/,
    );
  });

  it('refuses options that do not go together, all at once', async () => {
    await expect(
      train({
        batchSize: 18,
        stepsPerGeneration: 4,
        klTarget: 3,
        syncRefModel: true,
        lossType: 'sapo',
        delta: 2,
      }),
    ).rejects.toThrow(
      'GRPO: batchSize (18) must be a multiple of numGenerations, 4, so that groups are whole; ' +
        'stepsPerGeneration (4) must divide batchSize, 18, into equal steps; klTarget (3) needs a beta above 0 to steer; ' +
        'syncRefModel (true) needs a beta above 0, or no reference model is used; delta (2) clips nothing with lossType sapo; leave it out',
    );
    await expect(train({ beta: 0.1, klEstimator: 'k1', useBiasCorrectionKl: false })).rejects.toThrow(
      'klEstimator ("k1") in the loss needs useBiasCorrectionKl',
    );
    await expect(train({ beta: 0.1 }, { reference: undefined })).rejects.toThrow(
      'needs the parameters of a reference',
    );
    await expect(train({ maxCompletionLength: 254 })).rejects.toThrow(
      /^GRPO was not started because .*\n.*lower maxCompletionLength, or leave long prompts out$/,
    );
  });

  it('resumes to the same bits, penalty, reference and token count included', async () => {
    const options: Partial<GrpoOptions> = {
      totalEpisodes: 4 * 16,
      beta: 0.1,
      klTarget: 0.01,
      klHorizon: 50,
      syncRefModel: true,
      refModelSyncSteps: 3,
      numIterations: 2,
      stepsPerGeneration: 2,
    };
    const whole = await train(options);
    const folder = temporaryFolder();
    await expect(train(options, {}, recordContext({ folder, stopAfter: 2 }))).rejects.toThrow(
      'Stopped after iteration 2 of 4; the state is saved. Resume with --resume.',
    );
    const resumed = await train(options, {}, recordContext({ folder, resume: true }));
    expect(resumed.policy.values).toEqual(whole.policy.values);
    expect(resumed.reference.values).toEqual(whole.reference.values);
    expect(resumed.result).toEqual(whole.result);
    for (const metric of ['kl_coef', 'num_tokens', 'reward', 'loss']) {
      expect(curve(resumed.context, metric)).toEqual(curve(whole.context, metric).slice(2));
    }
  });
});
