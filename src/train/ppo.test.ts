import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../tensor/index.ts';
import type { RewardItem } from './reward-function.ts';
import { curve, recordContext, temporaryFolder } from './testing/context.ts';
import { eventOf, models, type Outcome, trainToy } from './testing/ppo-toy.ts';

describe('trainPpo', () => {
  it.each(['head', 'separate'] as const)(
    'raises a reward within a bounded divergence (value: %s)',
    async (valueModel) => {
      const outcome = await trainToy({
        totalEpisodes: 8 * 32,
        batchSize: 32,
        valueModel,
        klCoef: 0.02,
        learningRate: 0.02,
        lrSchedulerType: 'constant',
      });
      const scores = curve(outcome.context, 'objective/scores');
      expect(scores[0]).toBeLessThan(0.12); // 1 of 29 tokens by chance
      expect(scores.at(-1)).toBeGreaterThan(0.3);
      expect(outcome.result.score).toBe(scores.at(-1));
      expect(outcome.result.kl).toBeGreaterThan(1);
      expect(outcome.result.kl).toBeLessThan(40);
      expect(outcome.result).toMatchObject({ iterations: 8, episodes: 256 });
      // The value function has learnt to expect it.
      const explained = curve(outcome.context, 'val/explained_variance');
      expect(explained.at(-1)).toBeGreaterThan(explained[0]);
      expect(outcome.inputs.reference.hash()).toBe(models(valueModel).reference.hash());
    },
  );

  it('stays closer to the reference under a larger penalty', async () => {
    const run = (klCoef: number): Promise<Outcome> =>
      trainToy({
        totalEpisodes: 5 * 24,
        batchSize: 24,
        klCoef,
        lrSchedulerType: 'constant',
        learningRate: 0.02,
      });
    const [free, held] = [await run(0), await run(1)];
    expect(held.result.kl).toBeLessThan(0.3 * free.result.kl);
  });

  it('refuses a separate value model that nobody gave', async () => {
    await expect(trainToy({ valueModel: 'separate' }, { value: undefined })).rejects.toThrow(
      "PPO with valueModel 'separate' needs the parameters of a value model",
    );
  });

  it('refuses prompts that leave no room for a response', async () => {
    await expect(trainToy({ responseLength: 254 })).rejects.toThrow(
      /^PPO was not started because it could not learn:\n {2}- 6 of 12 prompts \(the longest has 5 tokens\)/,
    );
  });

  it('stops at a reward that is not a number', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<number[]> =>
      items.map((_, i) => (i === 3 ? Number.NaN : 0));
    await expect(trainToy({}, { reward })).rejects.toThrow(
      'conditionScores: scores 3 are not finite (first: NaN)',
    );
  });
});

describe('options of PPO', () => {
  it('maxUpdateKl ends the passes over a batch once the policy has moved too far', async () => {
    // A linear schedule of 4 updates tells by the last learning rate how many there were.
    const rate = (update: number): number =>
      learningRateAt(update - 1, { schedule: 'linear', lr: 0.02, totalSteps: 4, warmupSteps: 0 });
    const options = { numPpoEpochs: 4, learningRate: 0.02 };
    expect(eventOf(await trainToy({ ...options, maxUpdateKl: null }), 1).lr).toBeCloseTo(rate(4), 9);
    // Before the first update nothing has moved; the second one sees that the first moved the policy.
    expect(eventOf(await trainToy({ ...options, maxUpdateKl: 1e-9 }), 1).lr).toBeCloseTo(rate(2), 9);
    expect(eventOf(await trainToy({ ...options, maxUpdateKl: 100 }), 1).lr).toBeCloseTo(rate(4), 9);
  });

  it('numMiniBatches says how many updates a pass has, also where it does not divide the batch', async () => {
    // 16 responses in 5 parts, two passes: the last of 10 updates, of which each lowers the rate by a tenth.
    const options = { numPpoEpochs: 2, numMiniBatches: 5, learningRate: 0.02 };
    expect(eventOf(await trainToy(options), 1).lr).toBeCloseTo(0.02 * (1 - 9 / 10), 9);
  });

  it('klTarget steers klCoef: β ← β · (1 + clip(KL / target − 1, ±0.2) · responses / horizon)', async () => {
    const outcome = await trainToy({
      totalEpisodes: 4 * 16,
      klCoef: 0.1,
      klTarget: 0.5,
      klHorizon: 64,
      learningRate: 0.02,
      lrSchedulerType: 'constant',
    });
    const coefficients = curve(outcome.context, 'kl_coef');
    const kls = curve(outcome.context, 'objective/kl');
    let expected = 0.1;
    for (const [i, coefficient] of coefficients.entries()) {
      expect(coefficient).toBeCloseTo(expected, 9);
      expected *= 1 + (Math.min(0.2, Math.max(-0.2, kls[i] / 0.5 - 1)) * 16) / 64;
    }
    expect(coefficients[1]).toBeCloseTo(0.1 * (1 - 0.05), 6); // no divergence yet: the penalty is relaxed
    expect(kls.at(-1)).toBeGreaterThan(0.6); // and tightened later
    expect(Math.max(...coefficients.slice(2))).toBeGreaterThan(coefficients[1]);
  });

  it('missingEosPenalty is taken off the score of responses that were cut off', async () => {
    const outcome = await trainToy({ missingEosPenalty: 2, batchSize: 32, totalEpisodes: 32 });
    const event = eventOf(outcome, 1);
    expect(event['completions/clipped_ratio']).toBeGreaterThan(0.3);
    expect(
      event['objective/scores'] + event['objective/non_score_reward'] - event['objective/rlhf_reward'],
    ).toBeCloseTo(2 * event['completions/clipped_ratio'], 4);
  });

  it('rewardClip limits scores, which are recorded as they came', async () => {
    const reward = async (items: readonly RewardItem[]): Promise<number[]> => items.map(() => 50);
    const event = eventOf(await trainToy({ rewardClip: 3, klCoef: 0 }, { reward }), 1);
    expect(event['objective/scores']).toBe(50);
    expect(event['objective/rlhf_reward']).toBe(3);
  });

  it('an entropy bonus keeps the policy more random', async () => {
    const options = { totalEpisodes: 5 * 24, batchSize: 24, klCoef: 0, learningRate: 0.02 };
    const last = async (entropyCoef: number): Promise<number> =>
      curve((await trainToy({ ...options, entropyCoef })).context, 'objective/entropy').at(-1)!;
    expect(await last(0.5)).toBeGreaterThan((await last(0)) + 0.1);
  });

  it('whitenRewards and normalizeRewards still learn', async () => {
    const options = { totalEpisodes: 4 * 24, batchSize: 24, klCoef: 0.01, learningRate: 0.02 };
    const outcome = await trainToy({
      ...options,
      whitenRewards: true,
      normalizeRewards: true,
      lrSchedulerType: 'constant',
    });
    const scores = curve(outcome.context, 'objective/scores');
    expect(scores.at(-1)).toBeGreaterThan(scores[0] + 0.1);
  });
});

describe('stopping PPO', () => {
  it('while it samples saves the state before the iteration, and resumes to the same bits', async () => {
    const options = { totalEpisodes: 3 * 8, batchSize: 8, numPpoEpochs: 1 };
    const whole = await trainToy(options);
    const folder = temporaryFolder();
    const controller = new AbortController();
    const context = { ...recordContext({ folder }), signal: controller.signal };
    // Asked to stop after the first iteration has looked for it, before the second has sampled.
    const progress = (done: number): void => {
      if (done === 1) setImmediate(() => controller.abort());
    };
    await expect(trainToy(options, {}, { ...context, progress })).rejects.toThrow(
      'Stopped after iteration 1 of 3; the state is saved. Resume with --resume.',
    );
    expect(await readdir(folder)).toEqual(['checkpoint-00000001']);
    const resumed = await trainToy(options, {}, recordContext({ folder, resume: true }));
    expect(resumed.inputs.policy.values).toEqual(whole.inputs.policy.values);
    expect(resumed.result).toEqual(whole.result);
  });

  it('saves every saveSteps but not at the end, so that resuming always repeats the last iteration', async () => {
    const folder = temporaryFolder();
    const options = { totalEpisodes: 4 * 8, batchSize: 8, saveSteps: 2, numPpoEpochs: 1 };
    const whole = await trainToy(options, {}, recordContext({ folder }));
    expect(await readdir(folder)).toEqual(['checkpoint-00000002']);
    const again = await trainToy(options, {}, recordContext({ folder, resume: true }));
    expect(again.result).toEqual(whole.result);
  });
});
