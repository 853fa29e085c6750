import { describe, expect, it } from 'vitest';
import type { EncodedPreference } from '../data/index.ts';
import { trainDpo } from './dpo.ts';
import { type DpoOptions, dpoOptions } from './dpo-options.ts';
import type { PairInputs, PairResult } from './pair-batch.ts';
import { referenceLogProbs } from './reference-log-probs.ts';
import { ResponseScorer } from './scorers.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { pairOptions, policy, tastePairs } from './testing/pair-toy.ts';

interface Outcome {
  readonly result: PairResult;
  readonly context: RecordedContext;
  readonly inputs: PairInputs;
}

async function train(
  options: Partial<DpoOptions> = {},
  changes: Partial<PairInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<Outcome> {
  const inputs = { ...policy(), pairs: tastePairs(24), heldOut: [], ...changes };
  const result = await trainDpo(dpoOptions.parse({ ...pairOptions, ...options }), inputs, context);
  return { result, context, inputs };
}

describe('trainDpo', () => {
  it('learns a taste that holds on pairs it has not seen, and starts at log 2', async () => {
    const { result, context } = await train({ maxSteps: 24, evalSteps: 12 }, { heldOut: tastePairs(30, 2) });
    const losses = curve(context, 'loss');
    expect(losses[0]).toBeCloseTo(Math.LN2, 5); // the policy is still the reference
    expect(curve(context, 'rewards/margins')[0]).toBeCloseTo(0, 5);
    expect(losses.at(-1)).toBeLessThan(0.3);
    expect(curve(context, 'rewards/accuracies').at(-1)).toBeGreaterThan(0.9);
    expect(result.heldOutAccuracy).toBeGreaterThan(0.9);
    expect(curve(context, 'eval_loss')).toHaveLength(2);
    expect(curve(context, 'eval_rewards/accuracies').at(-1)).toBe(result.heldOutAccuracy);
  });

  it('records what TRL records; chosen less rejected is the margin, β times the log-ratio a reward', async () => {
    const { context, inputs } = await train({ maxSteps: 2, beta: 0.25, batchSize: 24 });
    const [first, second] = context.events.map(({ metrics }) => metrics);
    for (const event of [first, second]) {
      expect(event['rewards/margins']).toBeCloseTo(event['rewards/chosen'] - event['rewards/rejected'], 5);
    }
    // All 24 pairs are in each step, so the second one's log-ratios are those to the first.
    expect(second['rewards/chosen']).toBeCloseTo(0.25 * (second['logps/chosen'] - first['logps/chosen']), 4);
    expect(second['rewards/rejected']).toBeCloseTo(
      0.25 * (second['logps/rejected'] - first['logps/rejected']),
      4,
    );
    const tokens = inputs.pairs.reduce(
      (sum, { prompt, chosen, rejected }) => sum + 2 * prompt.length + chosen.length + rejected.length,
      0,
    );
    expect(first.num_tokens).toBe(tokens);
    expect(second.num_tokens).toBe(2 * tokens);
    // Compared with a scorer that knows nothing of pairs.
    const fresh = policy();
    await using scorer = await ResponseScorer.create(fresh.config, fresh.parameters, { threads: 1 });
    const of = async (side: 'chosen' | 'rejected') =>
      scorer.score(
        fresh.parameters,
        inputs.pairs.map((pair) => ({ prompt: pair.prompt, response: pair[side] })),
      );
    const sides = [await of('chosen'), await of('rejected')];
    const all = sides.flat();
    const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
    sides.forEach((scores, i) => {
      expect(first[['logps/chosen', 'logps/rejected'][i]]).toBeCloseTo(
        sum(scores.map(({ logProbs }) => sum(logProbs))) / 24,
        3,
      );
    });
    expect(first.entropy).toBeCloseTo(
      sum(all.map(({ entropies }) => sum(entropies))) / sum(all.map(({ entropies }) => entropies.length)),
      4,
    );
    expect(first.mean_token_accuracy).toBeGreaterThanOrEqual(0);
    expect(first.mean_token_accuracy).toBeLessThan(0.5);
    expect(Math.abs(first['logits/chosen'])).toBeLessThan(2);
  });

  const losses: [DpoOptions['lossType'], Partial<DpoOptions>][] = [
    ['sigmoid', {}],
    ['cdpo', { labelSmoothing: 0.1 }],
    ['hinge', {}],
    ['ipo', {}],
    ['exo_pair', { labelSmoothing: 1e-3 }],
    ['nca_pair', {}],
    ['robust', { labelSmoothing: 0.1 }],
    ['bco_pair', {}],
    ['sppo_hard', {}],
    ['aot', {}],
    ['aot_unpaired', {}],
    ['apo_zero', {}],
    ['apo_down', {}],
    ['discopop', {}],
    ['sigmoid_norm', {}],
  ];
  it.each(losses)('%s falls, and tells chosen from rejected responses', async (type, options) => {
    const { context } = await train({ lossType: type, ...options, maxSteps: 5, batchSize: 24 });
    const values = curve(context, 'loss');
    expect(values.at(-1)).toBeLessThan(values[0]);
    // apo_down at first pushes both responses down alike; discopop's loss rises with the margin where that is 0.
    if (type !== 'apo_down' && type !== 'discopop') {
      expect(curve(context, 'rewards/margins').at(-1)).toBeGreaterThan(0.05);
    }
  });

  it('sft alone raises the chosen responses, several losses together do both', async () => {
    const sft = await train({ lossType: ['sft'], maxSteps: 5 });
    const chosen = curve(sft.context, 'logps/chosen');
    expect(chosen.at(-1)).toBeGreaterThan(chosen[0] + 1);
    const mpo = await train({
      lossType: ['sigmoid', 'bco_pair', 'sft'],
      lossWeights: [0.8, 0.2, 1],
      maxSteps: 5,
    });
    expect(curve(mpo.context, 'rewards/margins').at(-1)).toBeGreaterThan(0.05);
    // At the start −log σ(0) for DPO and twice that for BCO, and the cross-entropy on top.
    const cross = curve(sft.context, 'loss')[0];
    expect(curve(mpo.context, 'loss')[0]).toBeCloseTo(0.8 * Math.LN2 + 0.2 * 2 * Math.LN2 + cross, 4);
  });

  it.each(['forward_kl', 'js_divergence', 'alpha_divergence'] as const)(
    'learns under %s',
    async (fDivergenceType) => {
      const { context } = await train({ fDivergenceType, maxSteps: 5 });
      expect(curve(context, 'rewards/margins').at(-1)).toBeGreaterThan(0.05);
    },
  );

  it('weighs pairs by how likely the policy would write them (WPO)', async () => {
    const plain = await train({ maxSteps: 1 });
    const weighted = await train({ maxSteps: 1, useWeighting: true });
    // The loss is log 2 times the mean weight, which is between 0 and 1 for random responses.
    const loss = curve(weighted.context, 'loss')[0];
    expect(loss).toBeGreaterThan(0);
    expect(loss).not.toBeCloseTo(curve(plain.context, 'loss')[0], 3);
    const more = await train({ maxSteps: 6, useWeighting: true });
    expect(curve(more.context, 'rewards/margins').at(-1)).toBeGreaterThan(0.05);
  });

  it('counts what is beyond the shorter response less (LD-DPO), under policy and reference alike', async () => {
    // Chosen: 1, 2, 3, 0; rejected: 4, 0. With alpha 0 only the first two tokens of each count.
    const pairs: EncodedPreference[] = [
      { prompt: Int32Array.of(5), chosen: Int32Array.of(1, 2, 3, 0), rejected: Int32Array.of(4, 0) },
    ];
    const cut = [{ ...pairs[0], chosen: Int32Array.of(1, 2) }];
    const options = { batchSize: 1, maxSteps: 3 };
    const weighted = await train({ ...options, ldAlpha: 0 }, { pairs });
    const short = await train(options, { pairs: cut });
    for (const metric of ['loss', 'logps/chosen', 'rewards/chosen', 'rewards/margins']) {
      const expected = curve(short.context, metric);
      curve(weighted.context, metric).forEach(
        (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 4),
      );
    }
    const whole = await train({ ...options, ldAlpha: 1 }, { pairs });
    expect(curve(whole.context, 'loss')[2]).toBeCloseTo(
      curve((await train(options, { pairs })).context, 'loss')[2],
      6,
    );
    // The reference alone, with weight ½ beyond the second token, against its tokens one by one.
    const { config, parameters } = policy();
    await using scorer = await ResponseScorer.create(config, parameters, { threads: 1 });
    const weights = [{ chosen: Float32Array.of(1, 1, 0.5, 0.5), rejected: Float32Array.of(1, 1) }];
    const { referenceChosen } = await referenceLogProbs(scorer, parameters, pairs, weights);
    const [{ logProbs: p }] = await scorer.score(parameters, [{ prompt: [5], response: [1, 2, 3, 0] }]);
    expect(referenceChosen[0]).toBeCloseTo(p[0] + p[1] + 0.5 * (p[2] + p[3]), 5);
  });

  it('judges all pairs before the first step, or each step’s in that step: the same', async () => {
    const before = await train({ maxSteps: 6 }, { heldOut: tastePairs(6, 3) });
    const during = await train({ maxSteps: 6, precomputeRefLogProbs: false }, { heldOut: tastePairs(6, 3) });
    for (const metric of ['loss', 'rewards/margins', 'eval_loss']) {
      const expected = curve(before.context, metric);
      curve(during.context, metric).forEach(
        (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 3),
      );
    }
  });

  it('lets the reference follow the policy: right after it has caught up, the loss is log 2 again', async () => {
    const options = { precomputeRefLogProbs: false, syncRefModel: true, refModelMixupAlpha: 1, maxSteps: 6 };
    const losses = curve((await train({ ...options, refModelSyncSteps: 3 })).context, 'loss');
    expect(losses[2]).toBeLessThan(0.65);
    expect(losses[3]).toBeCloseTo(Math.LN2, 5);
  });

  it.each(['sigmoid', ['ipo', 'sft'], 'aot'] as DpoOptions['lossType'][])(
    'gives the same however a step is cut into micro-batches (%j)',
    async (lossType) => {
      const whole = await train({ lossType, maxSteps: 3 }, { heldOut: tastePairs(11, 5) });
      const cut = await train({ lossType, maxSteps: 3, microBatchTokens: 1 }, { heldOut: tastePairs(11, 5) });
      for (const metric of ['loss', 'rewards/margins', 'logits/rejected', 'grad_norm', 'eval_loss']) {
        const expected = curve(whole.context, metric);
        curve(cut.context, metric).forEach(
          (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 3),
        );
      }
    },
  );

  it('refuses what cannot be learnt or does not go together', async () => {
    const same = tastePairs(4).map((pair) => ({ ...pair, rejected: pair.chosen }));
    await expect(train({}, { pairs: same })).rejects.toThrow(
      /^DPO was not started because it could not learn:\n {2}- in all 4 pairs the chosen and the rejected response are the same/,
    );
    await expect(train({}, { pairs: [] })).rejects.toThrow('there is no pair');
    await expect(
      train({ lossType: ['exo_pair', 'sft'], lossWeights: [1], syncRefModel: true }),
    ).rejects.toThrow(
      'DPO: lossWeights ([1]) must have one weight for each of the 2 losses; labelSmoothing (0) must be above 0 for ' +
        'exo_pair, which takes its logarithm; 0.001 is usual; precomputeRefLogProbs (true) must be false with syncRefModel',
    );
  });

  it.each<Partial<DpoOptions>>([
    { precomputeRefLogProbs: true },
    { precomputeRefLogProbs: false, syncRefModel: true, refModelSyncSteps: 2 },
  ])('resumes to the same bits, the reference included (%o)', async (reference) => {
    const options = {
      ...reference,
      maxSteps: 7,
      evalSteps: 2,
      batchSize: 5,
      lrSchedulerType: 'linear',
    } as const;
    const changes = (): Partial<PairInputs> => ({ ...policy(), heldOut: tastePairs(5, 4) });
    const whole = await train(options, changes());
    const folder = temporaryFolder();
    await expect(train(options, changes(), recordContext({ folder, stopAfter: 4 }))).rejects.toThrow(
      'Stopped after step 4 of 7; the state is saved. Resume with --resume.',
    );
    const resumed = await train(options, changes(), recordContext({ folder, resume: true }));
    expect(resumed.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
    expect(resumed.result).toEqual(whole.result);
    for (const metric of ['loss', 'num_tokens', 'rewards/margins']) {
      expect(curve(resumed.context, metric)).toEqual(curve(whole.context, metric).slice(4));
    }
    expect(curve(resumed.context, 'eval_loss')).toEqual(curve(whole.context, 'eval_loss').slice(2));
  });
});
