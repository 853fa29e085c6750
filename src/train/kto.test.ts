import { describe, expect, it } from 'vitest';
import type { EncodedJudged } from '../data/index.ts';
import { type KtoInputs, type KtoResult, trainKto } from './kto.ts';
import { type KtoOptions, ktoOptions } from './kto-options.ts';
import { ResponseScorer } from './scorers.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { pairOptions, policy, tastePairs } from './testing/pair-toy.ts';

/** Judgements of the toy's pairs, each side by itself. */
function judged(pairs: number, seed?: number): EncodedJudged[] {
  return tastePairs(pairs, seed).flatMap(({ prompt, chosen, rejected }) => [
    { prompt, response: chosen, label: true },
    { prompt, response: rejected, label: false },
  ]);
}

async function train(
  options: Partial<KtoOptions> = {},
  changes: Partial<KtoInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<{ result: KtoResult; context: RecordedContext; inputs: KtoInputs }> {
  const inputs = { ...policy(), judged: judged(12), heldOut: [], ...changes };
  const result = await trainKto(ktoOptions.parse({ ...pairOptions, ...options }), inputs, context);
  return { result, context, inputs };
}

describe('trainKto', () => {
  it.each(['kto', 'apo_zero_unpaired'] as const)(
    '%s learns a taste from single judgements',
    async (lossType) => {
      const { result, context } = await train(
        { lossType, maxSteps: 20, evalSteps: 10 },
        { judged: judged(20), heldOut: judged(15, 2) },
      );
      const losses = curve(context, 'loss');
      // Nothing has moved yet: 1 − σ(0) for every response.
      expect(losses[0]).toBeCloseTo(0.5, 5);
      expect(losses.at(-1)).toBeLessThan(0.45);
      expect(result.heldOutMargin).toBeGreaterThan(0.3);
      expect(curve(context, 'eval_rewards/margins').at(-1)).toBe(result.heldOutMargin);
      expect(curve(context, 'kl').length > 0).toBe(lossType === 'kto');
      expect(context.warnings).toEqual([]);
    },
  );

  it('measures each step’s loss and reference point as the formula says, from a scorer that knows nothing of it', async () => {
    // Both steps see all examples, so the second one's numbers follow from the policy that the first one left.
    const examples = judged(4);
    const options = { batchSize: 8, beta: 0.3, desirableWeight: 1.2, learningRate: 0.03 };
    const one = await train({ ...options, maxSteps: 1 }, { judged: examples });
    const two = await train({ ...options, maxSteps: 2 }, { judged: examples });
    const event = two.context.events[1].metrics;
    const start = policy();
    await using scorer = await ResponseScorer.create(start.config, start.parameters, { threads: 1 });
    const logRatios = async (sequences: Parameters<ResponseScorer['score']>[1]): Promise<number[]> => {
      const [now, then] = [
        await scorer.score(one.inputs.parameters, sequences),
        await scorer.score(start.parameters, sequences),
      ].map((scores) => scores.map(({ logProbs }) => logProbs.reduce((a, b) => a + b, 0)));
      return now.map((value, i) => value - then[i]);
    };
    const own = await logRatios(examples);
    // The prompts of the four pairs differ: the next example with another prompt is the next pair's first.
    const mismatched = examples.map(({ prompt }, i) => ({
      prompt,
      response: examples[(2 * Math.floor(i / 2) + 2) % 8].response,
    }));
    const gaps = await logRatios(mismatched);
    const z = Math.max(0, gaps.reduce((a, b) => a + b, 0) / 8);
    const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
    const losses = own.map((x, i) =>
      examples[i].label ? 1.2 * sigma(-0.3 * (x - z)) : sigma(0.3 * (x - z)),
    );
    expect(event.kl).toBeCloseTo(z, 4);
    expect(event.loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / 8, 4);
    const meanOf = (label: boolean): number =>
      (0.3 * own.reduce((total, x, i) => total + (examples[i].label === label ? x : 0), 0)) / 4;
    expect(event['rewards/chosen']).toBeCloseTo(meanOf(true), 4);
    expect(event['rewards/rejected']).toBeCloseTo(meanOf(false), 4);
    expect(event['rewards/margins']).toBeCloseTo(meanOf(true) - meanOf(false), 4);
  });

  it('records no mean of a kind of response that a step has none of', async () => {
    const { context } = await train({ batchSize: 2, maxSteps: 12 });
    const kinds = context.events.map(({ metrics }) => [
      'rewards/chosen' in metrics,
      'rewards/rejected' in metrics,
      'rewards/margins' in metrics,
    ]);
    for (const [chosen, rejected, margins] of kinds) {
      expect(chosen || rejected).toBe(true);
      expect(margins).toBe(chosen && rejected);
    }
    expect(kinds.some(([, , margins]) => !margins)).toBe(true);
  });

  it('gives the same however a step is cut into micro-batches', async () => {
    const whole = await train({ maxSteps: 3 }, { heldOut: judged(3, 5) });
    const cut = await train({ maxSteps: 3, microBatchTokens: 1 }, { heldOut: judged(3, 5) });
    for (const metric of [
      'loss',
      'kl',
      'rewards/margins',
      'logits/chosen',
      'entropy',
      'grad_norm',
      'eval_loss',
    ]) {
      const expected = curve(whole.context, metric);
      curve(cut.context, metric).forEach(
        (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 3),
      );
    }
  });

  it('records nothing of a kind of response that a step has none of', async () => {
    const { context } = await train({ batchSize: 2, maxSteps: 24 });
    const one = ['rewards/chosen', 'logps/chosen', 'logits/chosen', 'mean_token_accuracy'];
    const other = ['rewards/rejected', 'logps/rejected', 'logits/rejected'];
    const kinds = context.events.map(({ metrics }) => {
      const has = (name: string): boolean => name in metrics;
      expect([one.every(has), other.every(has)]).toEqual([one.some(has), other.some(has)]);
      expect(has('rewards/margins')).toBe(one.every(has) && other.every(has));
      return `${one.every(has)} ${other.every(has)}`;
    });
    expect(new Set(kinds)).toEqual(new Set(['true true', 'true false', 'false true']));
  });

  it('tells of kinds out of balance, with the weight that mends it', async () => {
    const some = judged(12).filter(({ label }, i) => label || i % 3 === 0); // 12 desirable, 4 undesirable
    expect(some.filter(({ label }) => !label)).toHaveLength(4);
    const { context } = await train({ maxSteps: 1 }, { judged: some });
    expect(context.warnings).toEqual([
      '12 desirable and 4 undesirable responses are weighed 3.0 : 1; KTO is best with 1 : 1 to 4/3 : 1, here a ' +
        'desirableWeight of 0.33 to 0.44.',
    ]);
    const mended = await train({ maxSteps: 1, desirableWeight: 0.4 }, { judged: some });
    expect(mended.context.warnings).toEqual([]);
  });

  it('refuses judgements of one kind', async () => {
    const good = judged(4).filter(({ label }) => label);
    await expect(train({}, { judged: good })).rejects.toThrow('all 4 responses are judged desirable');
  });

  it('resumes to the same bits', async () => {
    const options = { maxSteps: 6, evalSteps: 2, batchSize: 5 };
    const changes = (): Partial<KtoInputs> => ({ ...policy(), heldOut: judged(3, 4) });
    const whole = await train(options, changes());
    const folder = temporaryFolder();
    await expect(train(options, changes(), recordContext({ folder, stopAfter: 4 }))).rejects.toThrow(
      'Stopped after step 4 of 6; the state is saved.',
    );
    const resumed = await train(options, changes(), recordContext({ folder, resume: true }));
    expect(resumed.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
    expect(resumed.result).toEqual(whole.result);
    expect(curve(resumed.context, 'kl')).toEqual(curve(whole.context, 'kl').slice(4));
  });
});
