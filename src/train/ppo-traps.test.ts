import { describe, expect, it } from 'vitest';
import type { PpoOptions } from './ppo-options.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, recordContext, temporaryFolder } from './testing/context.ts';
import { end, eventOf, models, movement, type Outcome, prompts, trainToy } from './testing/ppo-toy.ts';

describe('traps of well-known implementations', () => {
  it('(a) clips the gradients of policy and value function', async () => {
    // Adam's eps is so large that an update is proportional to the gradient.
    const options = { adamEpsilon: 1, adamBeta1: 0, adamBeta2: 0, learningRate: 1, numPpoEpochs: 1 };
    const run = async (maxGradNorm: number | null): Promise<[Outcome, number, number]> => {
      const outcome = await trainToy({ ...options, valueModel: 'separate', maxGradNorm });
      const start = models('separate');
      const { policy, value } = outcome.inputs;
      return [outcome, movement(policy, start.policy), movement(value, start.value)];
    };
    const [free, policyFree, valueFree] = await run(null);
    const [clipped, policyClipped, valueClipped] = await run(1e-5);
    // The norms are reported as they were before clipping; to 1e-5 the two runs move by nearly that much.
    for (const metric of ['grad_norm', 'value_grad_norm']) {
      expect(eventOf(free, 1)[metric]).toBeGreaterThan(1e-3);
      expect(eventOf(clipped, 1)[metric]).toBeCloseTo(eventOf(free, 1)[metric], 5);
    }
    expect(policyFree).toBeGreaterThan(1e-3);
    expect(valueFree).toBeGreaterThan(1e-3);
    expect(policyClipped / 1e-5).toBeCloseTo(1, 1);
    expect(valueClipped / 1e-5).toBeCloseTo(1, 1);
  });

  it('(b) takes the update’s statistics over counted tokens: padding changes none of them', async () => {
    const options = { numPpoEpochs: 2 };
    const padded = await trainToy(options); // all responses in one padded batch
    const bare = await trainToy({ ...options, microBatchTokens: 1 }); // each response alone
    const lengths = padded.context.samples.map(({ response }) => response.length);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    for (const metric of [
      'policy/approxkl_avg',
      'policy/clipfrac_avg',
      'policy/entropy_avg',
      'val/ratio',
      'val/clipfrac_avg',
      'loss/policy_avg',
      'loss/value_avg',
    ]) {
      expect(eventOf(bare, 1)[metric]).toBeCloseTo(eventOf(padded, 1)[metric], 4);
    }
    expect(eventOf(padded, 1)['policy/approxkl_avg']).toBeGreaterThan(1e-5);
  });

  it('(c) measures entropy without padding: exactly log 29 for a policy that knows nothing', async () => {
    const { policy, reference, ...rest } = models('head');
    policy.values.fill(0);
    reference.values.fill(0);
    const outcome = await trainToy(
      { numPpoEpochs: 1, batchSize: 64, totalEpisodes: 64 },
      { ...rest, policy, reference },
    );
    const event = eventOf(outcome, 1);
    expect(event['val/num_eos_tokens']).toBeGreaterThan(0); // responses of different lengths, so there is padding
    expect(event['completions/mean_length']).toBeLessThan(10);
    expect(event['objective/entropy']).toBeCloseTo(Math.log(29), 5);
    expect(event['policy/entropy_avg']).toBeCloseTo(Math.log(29), 5);
  });

  it('(d) trains the end token also where padding has its id: a policy paid for ending learns to end', async () => {
    const outcome = await trainToy(
      { totalEpisodes: 6 * 32, batchSize: 32, klCoef: 0.01, learningRate: 0.02, lrSchedulerType: 'constant' },
      { reward: async (items) => items.map(({ ended }) => (ended ? 1 : 0)) },
    );
    const ends = curve(outcome.context, 'val/num_eos_tokens');
    expect(ends[0]).toBeLessThan(20); // 10 tokens, each the end by a chance of 1/29: about 9 of 32
    expect(ends.at(-1)).toBeGreaterThan(28);
    expect(curve(outcome.context, 'completions/clipped_ratio').at(-1)).toBeCloseTo(1 - ends.at(-1)! / 32, 6);
    expect(curve(outcome.context, 'completions/mean_length').at(-1)).toBeLessThan(6);
  });

  it('(e) subtracts the penalty: rlhf_reward = score − klCoef · KL', async () => {
    const { reference, ...rest } = models('head');
    const norm = reference.view('model.norm.weight');
    norm.set(norm.map((_, i) => i)); // another reference, so that the divergence is large from the start
    const event = eventOf(await trainToy({ klCoef: 0.5 }, { reference, ...rest }), 1);
    const kl = event['objective/kl'];
    expect(kl).toBeGreaterThan(0.1);
    expect(event['objective/non_score_reward']).toBeCloseTo(-0.5 * kl, 5);
    expect(event['objective/rlhf_reward']).toBeCloseTo(event['objective/scores'] - 0.5 * kl, 5);
    expect(event['objective/rlhf_reward']).toBeLessThan(event['objective/scores']);
  });

  it.each(['head', 'separate'] as const)(
    '(f) saves the critic and all state: resumed = uninterrupted, bit for bit (value: %s)',
    async (valueModel) => {
      const options: Partial<PpoOptions> = {
        totalEpisodes: 4 * 8,
        batchSize: 8,
        numPpoEpochs: 2,
        valueModel,
        numMiniBatches: 2,
        normalizeRewards: true, // running moments …
        klTarget: 0.01, // … and the adaptive penalty are state too
        klHorizon: 50,
      };
      const whole = await trainToy(options);
      const folder = temporaryFolder();
      await expect(trainToy(options, {}, recordContext({ folder, stopAfter: 2 }))).rejects.toThrow(
        'Stopped after iteration 2 of 4; the state is saved. Resume with --resume.',
      );
      const resumed = await trainToy(options, {}, recordContext({ folder, resume: true }));
      expect(resumed.inputs.policy.values).toEqual(whole.inputs.policy.values);
      expect(resumed.inputs.value.values).toEqual(whole.inputs.value.values);
      expect(resumed.result).toEqual(whole.result);
      expect(curve(resumed.context, 'kl_coef')).toEqual(curve(whole.context, 'kl_coef').slice(2));
      if (valueModel === 'separate')
        expect(movement(whole.inputs.value, models(valueModel).value)).toBeGreaterThan(0.1);
    },
  );

  it('(g) shows the reward the response as it was sampled, cut at its end', async () => {
    const seen: RewardItem[] = [];
    const reward = async (items: readonly RewardItem[]): Promise<number[]> => {
      seen.push(...items);
      return items.map(() => 0);
    };
    const event = eventOf(await trainToy({ batchSize: 32, totalEpisodes: 32 }, { reward }), 1);
    for (const { response, ended } of seen) {
      expect(Array.from(response).indexOf(end)).toBe(ended ? response.length - 1 : -1);
    }
    const mean = seen.reduce((sum, { response }) => sum + response.length, 0) / 32;
    expect(event['completions/mean_length']).toBeCloseTo(mean, 9);
  });

  it('(h) speaks of text: rewards, probes and samples get prompts and responses as strings', async () => {
    const texts = new Set(prompts.map(({ text }) => text));
    const outcome = await trainToy(
      {},
      {
        reward: async (items) =>
          items.map(({ promptText, responseText }) =>
            texts.has(promptText) ? responseText.length : Number.NaN,
          ),
        probes: { length: (prompt, response) => (texts.has(prompt) ? response.length : Number.NaN) },
      },
    );
    const event = eventOf(outcome, 1);
    expect(event['probe/length']).toBeCloseTo(event['objective/scores'], 5);
    const [sample] = outcome.context.samples;
    expect(texts.has(sample.prompt)).toBe(true);
    expect(sample.response).toMatch(/^[a-|]+$/); // letters; the end token is no text
    expect(sample.scores).toEqual({ reward: sample.response.length, kl: expect.any(Number) });
  });
});
