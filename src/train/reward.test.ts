import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { EncodedRanking } from '../data/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  ParameterStore,
  scalarHeadSpec,
  scoreHeadName,
} from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { type RewardInputs, type RewardResult, trainReward } from './reward.ts';
import { evaluateRewardModel } from './reward-evaluation.ts';
import { type RewardOptions, rewardOptions } from './reward-options.ts';
import { HeadScorer } from './scorers.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';

const liked = 7;

/** People like a response the better, the more often it holds the token `liked`; length says nothing. */
function tasteRankings(count: number, responses: number, seed = 1): EncodedRanking[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const likes = random.shuffled(Array.from({ length: responses }, (_, i) => i));
    return {
      prompt: Int32Array.from([20, random.int(20)]),
      responses: likes.map((times) => {
        const others = Array.from({ length: 2 + random.int(4) }, () => 8 + random.int(10));
        return Int32Array.from([...random.shuffled([...new Array(times).fill(liked), ...others]), 0]);
      }),
      ranks: likes.map((times) => responses - times),
    };
  });
}

function rewardParameters(): Pick<RewardInputs, 'config' | 'parameters'> {
  const { config, parameters: decoder } = tinyModel({ initializerRange: 0.2 });
  const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config)]);
  initialiseParameters(parameters, new Random(5), [scoreHeadName]);
  parameters.copyShared(decoder);
  return { config, parameters };
}

interface Outcome {
  readonly result: RewardResult;
  readonly context: RecordedContext;
  readonly inputs: RewardInputs;
}

async function train(
  options: Partial<RewardOptions>,
  changes: Partial<RewardInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<Outcome> {
  const rankings = tasteRankings(24, 3);
  const inputs = { ...rewardParameters(), rankings, heldOut: [], orderIsNeutral: true, ...changes };
  const parsed = rewardOptions.parse({ threads: 1, loggingSteps: 1, learningRate: 0.01, ...options });
  return { result: await trainReward(parsed, inputs, context), context, inputs };
}

describe('trainReward', () => {
  it('learns a soft label as the probability that it is', async () => {
    const soft: EncodedRanking = {
      prompt: Int32Array.from([20, 3]),
      responses: [Int32Array.from([9, 0]), Int32Array.from([12, 0])],
      ranks: [1, 2],
      preferences: [
        [null, 0.25],
        [0.75, null],
      ],
    };
    const { inputs } = await train({ maxSteps: 60, batchSize: 1 }, { rankings: [soft] });
    const scorer = await HeadScorer.create(inputs.config, inputs.parameters, scoreHeadName, { threads: 1 });
    const sequences = soft.responses.map((response) => ({ prompt: soft.prompt, response }));
    const [first, second] = await scorer.scoreLast(inputs.parameters, sequences);
    await scorer[Symbol.asyncDispose]();
    // σ(d) = 0.75 where the loss is least, so d = log 3, though the ranks say the opposite.
    expect(second - first).toBeCloseTo(Math.log(3), 1);
  });

  it('learns a separable taste: more than 95 % of held-out pairs, where trivial rules are at chance', async () => {
    const { result, context } = await train(
      { maxSteps: 40, batchSize: 16, evalSteps: 20 },
      { rankings: tasteRankings(80, 3), heldOut: tasteRankings(60, 3, 2) },
    );
    const { evaluation } = result;
    expect(evaluation?.pairs).toBe(180); // 60 rankings of 3 responses: 3 pairs each
    expect(evaluation?.accuracy.estimate).toBeGreaterThan(0.95);
    expect(evaluation?.accuracy.low).toBeGreaterThan(0.9);
    expect(evaluation?.meanMargin).toBeGreaterThan(1);
    expect(evaluation?.logLoss).toBeLessThan(0.3);
    expect(evaluation?.calibrationError).toBeLessThan(0.2);
    expect(evaluation?.firstWins?.low).toBeLessThan(0.5);
    expect(evaluation?.firstWins?.high).toBeGreaterThan(0.5);
    // More likes make a response longer, so this rule finds something.
    expect(evaluation?.longestWins.estimate).toBeLessThan(evaluation?.accuracy.estimate as number);
    expect(evaluation?.longestWins.estimate).toBeGreaterThan(0.5);
    expect(curve(context, 'eval_accuracy')).toHaveLength(2);
    expect(result.loss).toBeLessThan(0.3);
  });

  it('starts at log 2: with scores of 0 every pair is a coin toss', async () => {
    const start = rewardParameters();
    start.parameters.view(scoreHeadName).fill(0);
    const { context } = await train({ maxSteps: 1 }, start);
    expect(curve(context, 'loss')[0]).toBeCloseTo(Math.LN2, 5);
    expect(curve(context, 'mean_reward')[0]).toBeCloseTo(0, 5);
  });

  it('gives the same numbers however a step is cut into micro-batches', async () => {
    const whole = await train({ maxSteps: 3, batchSize: 12 });
    const cut = await train({ maxSteps: 3, batchSize: 12, microBatchTokens: 60 });
    for (const metric of ['loss', 'accuracy', 'margin', 'mean_reward', 'grad_norm']) {
      const values = curve(cut.context, metric);
      curve(whole.context, metric).forEach((value, i) => {
        expect(values[i]).toBeCloseTo(value, 3);
      });
    }
  });

  it('scores a response the same alone, among others, and behind padding', async () => {
    const { inputs } = await train({ maxSteps: 5 });
    const sequences = tasteRankings(10, 3, 4).flatMap(({ prompt, responses }) =>
      responses.map((response) => ({ prompt, response })),
    );
    const { config, parameters } = inputs;
    const together = await HeadScorer.create(config, parameters, scoreHeadName, { threads: 1 });
    const alone = await HeadScorer.create(config, parameters, scoreHeadName, { threads: 1, tokenBudget: 1 });
    const single = await alone.scoreLast(parameters, sequences);
    for (const [i, score] of (await together.scoreLast(parameters, sequences)).entries()) {
      expect(score).toBeCloseTo(single[i], 5);
    }
  });

  it('pulls the scores of tied responses together', async () => {
    const pair = {
      prompt: [1],
      responses: [
        [2, 3, 0],
        [4, 5, 6, 0],
      ].map((ids) => Int32Array.from(ids)),
    };
    const tied = { ...pair, prompt: Int32Array.from(pair.prompt), ranks: [1, 1] };
    const [decided] = tasteRankings(1, 3);
    const gapAfter = async (ties: 'half' | 'skip'): Promise<number> => {
      const { inputs, context } = await train(
        { maxSteps: 30, batchSize: 2, ties },
        { rankings: [tied, decided] },
      );
      expect(context.warnings).toEqual(
        ties === 'skip' ? ['1 of 2 rankings compare nothing and are left out.'] : [],
      );
      const { config, parameters } = inputs;
      const scorer = await HeadScorer.create(config, parameters, scoreHeadName, { threads: 1 });
      const sequences = tied.responses.map((response) => ({ prompt: tied.prompt, response }));
      const [a, b] = await scorer.scoreLast(parameters, sequences);
      return Math.abs(a - b);
    };
    const [half, skip] = [await gapAfter('half'), await gapAfter('skip')];
    expect(half).toBeLessThan(0.1);
    expect(skip).toBeGreaterThan(2 * half);
  });

  it('asks for a wider gap where the data name a margin, unless told not to', async () => {
    const rankings = tasteRankings(8, 2).map((ranking) => ({ ...ranking, margin: 3 }));
    const wide = await train({ maxSteps: 1, batchSize: 8 }, { rankings });
    const plain = await train({ maxSteps: 1, batchSize: 8, useMargins: false }, { rankings });
    expect(curve(wide.context, 'loss')[0]).toBeGreaterThan(curve(plain.context, 'loss')[0] + 1);
  });

  it('holds scores around 0 with a centring weight', async () => {
    const start = (): RewardInputs => {
      const { config, parameters } = rewardParameters();
      const rankings = tasteRankings(24, 3);
      return { config, parameters, rankings, heldOut: [], orderIsNeutral: true };
    };
    const options = { maxSteps: 30, batchSize: 24 };
    const mean = async (changes: Partial<RewardOptions>): Promise<number> =>
      Math.abs(curve((await train({ ...options, ...changes }, start())).context, 'mean_reward').at(-1)!);
    expect(await mean({ centerRewardsCoefficient: 0.3 })).toBeLessThan(0.5 * (await mean({})));
  });

  it('resumes to the bits of an uninterrupted run', async () => {
    const options = { maxSteps: 7, batchSize: 5 };
    const heldOut = tasteRankings(5, 3, 3);
    const whole = await train(options, { heldOut });
    const folder = temporaryFolder();
    await expect(train(options, { heldOut }, recordContext({ folder, stopAfter: 3 }))).rejects.toThrow(
      'Stopped after step 3 of 7; the state is saved. Resume with --resume.',
    );
    const resumed = await train(options, { heldOut }, recordContext({ folder, resume: true }));
    expect(resumed.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
    expect(resumed.result).toEqual(whole.result);
  });

  it('warns of held-out rankings that only hold ties, and measures nothing', async () => {
    const heldOut = tasteRankings(3, 3, 2).map((ranking) => ({ ...ranking, ranks: [1, 1, 1] }));
    const { result, context } = await train({ maxSteps: 1 }, { heldOut });
    expect(result.evaluation).toBeNull();
    expect(context.warnings).toEqual([
      'The held-out rankings hold ties only, so the accuracy of the reward model stays unknown.',
    ]);
  });

  it('refuses comparisons that say nothing', async () => {
    const rankings = tasteRankings(3, 2).map((ranking) => ({ ...ranking, ranks: [1, null] }));
    await expect(train({ maxSteps: 1 }, { rankings })).rejects.toThrow(
      /^Reward model training was not started because it could not learn:\n {2}- none of the 3 rankings/,
    );
  });
});

describe('evaluateRewardModel', () => {
  it('compares with the position only where the order is neutral', async () => {
    const { config, parameters } = rewardParameters();
    const scorer = await HeadScorer.create(config, parameters, scoreHeadName, { threads: 1 });
    const rankings = tasteRankings(12, 2);
    const neutral = await evaluateRewardModel(scorer, parameters, rankings, true);
    const firstIsBetter = rankings.filter(({ ranks }) => ranks[0] === 1).length;
    expect(neutral.firstWins?.estimate).toBeCloseTo(firstIsBetter / 12, 9);
    expect((await evaluateRewardModel(scorer, parameters, rankings, false)).firstWins).toBeNull();
  });
});
