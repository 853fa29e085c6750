import { describe, expect, it } from 'vitest';
import type { StageContext } from './context.ts';
import { trainCpo, trainSimpo } from './cpo.ts';
import { type CpoOptions, cpoOptions, simpoOptions } from './cpo-options.ts';
import { trainOrpo } from './orpo.ts';
import { orpoOptions } from './orpo-options.ts';
import type { PairInputs, PairResult } from './pair-batch.ts';
import { ResponseScorer } from './scorers.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { pairOptions, policy, tastePairs } from './testing/pair-toy.ts';

type Train = (inputs: PairInputs, context: StageContext) => Promise<PairResult>;
type Common = Partial<Pick<CpoOptions, 'beta' | 'maxSteps' | 'batchSize' | 'microBatchTokens' | 'evalSteps'>>;

/** Each method with common options. */
const methods: Readonly<Record<string, (options: Common) => Train>> = {
  ORPO: (options) => (inputs, context) =>
    trainOrpo(orpoOptions.parse({ ...pairOptions, ...options }), inputs, context),
  CPO: (options) => (inputs, context) =>
    trainCpo(cpoOptions.parse({ ...pairOptions, ...options }), inputs, context),
  SimPO: (options) => (inputs, context) =>
    trainSimpo(simpoOptions.parse({ ...pairOptions, ...options }), inputs, context),
};

async function run(
  train: Train,
  changes: Partial<PairInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<{ result: PairResult; context: RecordedContext; inputs: PairInputs }> {
  const inputs = { ...policy(), pairs: tastePairs(24), heldOut: [], ...changes };
  return { result: await train(inputs, context), context, inputs };
}

/** Mean log-probabilities per token and sums of chosen and rejected responses under a fresh policy. */
async function freshLogProbs(
  pairs: PairInputs['pairs'],
): Promise<{ sums: number[]; means: number[]; lengths: number[] }[]> {
  const { config, parameters } = policy();
  await using scorer = await ResponseScorer.create(config, parameters, { threads: 1 });
  return await Promise.all(
    (['chosen', 'rejected'] as const).map(async (side) => {
      const scores = await scorer.score(
        parameters,
        pairs.map((pair) => ({ prompt: pair.prompt, response: pair[side] })),
      );
      const sums = scores.map(({ logProbs }) => logProbs.reduce((a, b) => a + b, 0));
      const lengths = scores.map(({ logProbs }) => logProbs.length);
      return { sums, lengths, means: sums.map((value, i) => value / lengths[i]) };
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const cost = (x: number): number => Math.log1p(Math.exp(-x));

describe.each(Object.keys(methods))('%s', (name) => {
  const method = methods[name];

  it('learns a taste that holds on pairs it has not seen', async () => {
    const { result, context } = await run(method({ maxSteps: 24, evalSteps: 12 }), {
      heldOut: tastePairs(30, 2),
    });
    const losses = curve(context, 'loss');
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);
    expect(result.heldOutAccuracy).toBeGreaterThan(0.8);
    expect(curve(context, 'eval_rewards/accuracies').at(-1)).toBe(result.heldOutAccuracy);
    expect(result.steps).toBe(24);
  });

  it('gives the same however a step is cut into micro-batches', async () => {
    const whole = await run(method({ maxSteps: 3 }), { heldOut: tastePairs(7, 5) });
    const cut = await run(method({ maxSteps: 3, microBatchTokens: 1 }), { heldOut: tastePairs(7, 5) });
    for (const metric of ['loss', 'rewards/margins', 'nll_loss', 'entropy', 'grad_norm', 'eval_loss']) {
      const expected = curve(whole.context, metric);
      curve(cut.context, metric).forEach(
        (value, i) => void expect(value, metric).toBeCloseTo(expected[i], 3),
      );
    }
  });

  it('resumes to the same bits', async () => {
    const train = method({ maxSteps: 6, batchSize: 5 });
    const whole = await run(train, policy());
    const folder = temporaryFolder();
    await expect(run(train, policy(), recordContext({ folder, stopAfter: 4 }))).rejects.toThrow(
      'Stopped after step 4 of 6; the state is saved.',
    );
    const resumed = await run(train, policy(), recordContext({ folder, resume: true }));
    expect(resumed.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
    expect(resumed.result).toEqual(whole.result);
    expect(curve(resumed.context, 'loss')).toEqual(curve(whole.context, 'loss').slice(4));
  });

  it('refuses pairs that are all identical, under its own name', async () => {
    const pairs = tastePairs(3).map((pair) => ({ ...pair, rejected: pair.chosen }));
    await expect(run(method({}), { pairs })).rejects.toThrow(
      `${name} was not started because it could not learn:\n  - in all 3 pairs`,
    );
  });
});

describe('the first loss is that of the formula', () => {
  const pairs = tastePairs(12, 9);
  const first = async (train: Train, metric = 'loss'): Promise<number> =>
    curve((await run(train, { pairs })).context, metric)[0];
  const options = { ...pairOptions, batchSize: 12, maxSteps: 1 };

  it('ORPO: cross-entropy − β · mean log σ(log odds ratio)', async () => {
    const [chosen, rejected] = await freshLogProbs(pairs);
    const crossEntropy = -chosen.sums.reduce((a, b) => a + b) / chosen.lengths.reduce((a, b) => a + b);
    const logOdds = (logProb: number): number => logProb - Math.log1p(-Math.exp(logProb));
    const ratios = chosen.means.map((value, i) => logOdds(value) - logOdds(rejected.means[i]));
    const train: Train = (inputs, context) =>
      trainOrpo(orpoOptions.parse({ ...options, beta: 0.3 }), inputs, context);
    expect(await first(train)).toBeCloseTo(crossEntropy + 0.3 * mean(ratios.map(cost)), 4);
    expect(await first(train, 'nll_loss')).toBeCloseTo(crossEntropy, 4);
    expect(await first(train, 'log_odds_chosen')).toBeCloseTo(mean(ratios), 4);
  });

  it('CPO: −log σ(β Δ) + α · cross-entropy, Δ of whole responses', async () => {
    const [chosen, rejected] = await freshLogProbs(pairs);
    const crossEntropy = -chosen.sums.reduce((a, b) => a + b) / chosen.lengths.reduce((a, b) => a + b);
    const costs = chosen.sums.map((value, i) => cost(0.1 * (value - rejected.sums[i])));
    const train: Train = (inputs, context) =>
      trainCpo(cpoOptions.parse({ ...options, cpoAlpha: 0.5 }), inputs, context);
    expect(await first(train)).toBeCloseTo(mean(costs) + 0.5 * crossEntropy, 4);
  });

  it('SimPO: −log σ(β Δ − γ), Δ per token', async () => {
    const [chosen, rejected] = await freshLogProbs(pairs);
    const costs = chosen.means.map((value, i) => cost(2 * (value - rejected.means[i]) - 1));
    const train: Train = (inputs, context) => trainSimpo(simpoOptions.parse(options), inputs, context);
    expect(await first(train)).toBeCloseTo(mean(costs), 4);
  });

  it.each(['hinge', 'ipo'] as const)('CPO with %s falls', async (lossType) => {
    const train: Train = (inputs, context) =>
      trainCpo(cpoOptions.parse({ ...options, lossType, maxSteps: 4 }), inputs, context);
    const losses = curve((await run(train, { pairs })).context, 'loss');
    expect(losses.at(-1)).toBeLessThan(losses[0]);
  });
});
