import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { EncodedRanking } from '../data/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  ParameterStore,
  type RewardHeads,
  scalarHeadSpec,
  scoreHeadName,
} from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { type RewardInputs, type RewardResult, trainReward } from './reward.ts';
import { headPairs, labelRankings } from './reward-labels.ts';
import { type RewardOptions, rewardOptions } from './reward-options.ts';
import { HeadScorer } from './scorers.ts';
import { curve, type RecordedContext, recordContext } from './testing/context.ts';

const [sweet, salty] = [7, 6];

/** Pairs in which one response is sweet and the other salty; who judges decides which is better, or says nothing. */
function tastes(
  count: number,
  says: { readonly sweet: boolean; readonly salty: boolean },
  seed = 1,
): EncodedRanking[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const response = (taste: number): Int32Array =>
      Int32Array.from([...random.shuffled([taste, taste, 8 + random.int(10), 8 + random.int(10)]), 0]);
    return {
      prompt: Int32Array.from([20, random.int(20)]),
      responses: [response(sweet), response(salty)],
      ranks: [null, null],
      objectives: {
        ...(says.sweet && { sweet: { ranks: [1, 2] } }),
        ...(says.salty && { salty: { ranks: [2, 1] } }),
      },
    };
  });
}

function rewardParameters(rows: number): Pick<RewardInputs, 'config' | 'parameters'> {
  const { config, parameters: policy } = tinyModel({ initializerRange: 0.2, layers: 1 });
  const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config, { rows })]);
  initialiseParameters(parameters, new Random(3), parameters.copyShared(policy));
  return { config, parameters };
}

async function train(
  options: Partial<RewardOptions>,
  changes: Pick<RewardInputs, 'rankings'> & Partial<RewardInputs>,
): Promise<{
  readonly result: RewardResult;
  readonly context: RecordedContext;
  readonly inputs: RewardInputs;
}> {
  const context = recordContext();
  const rows = changes.heads?.names.length ?? 1;
  const inputs = { ...rewardParameters(rows), heldOut: [], orderIsNeutral: false, ...changes };
  const parsed = rewardOptions.parse({ threads: 1, loggingSteps: 1, learningRate: 0.01, ...options });
  return { result: await trainReward(parsed, inputs, context), context, inputs };
}

const objectives: Pick<RewardHeads, 'kind' | 'names'> = { kind: 'objectives', names: ['sweet', 'salty'] };

describe('a reward model with a head for each objective', () => {
  it('learns opposite tastes from labels that are each there for half of the data', async () => {
    const rankings = [
      ...tastes(24, { sweet: true, salty: false }),
      ...tastes(24, { sweet: false, salty: true }, 2),
    ];
    const heldOut = tastes(20, { sweet: true, salty: true }, 3);
    const { result, context } = await train(
      { maxSteps: 30, batchSize: 16 },
      { rankings, heldOut, heads: objectives },
    );
    expect(result.evaluation).toBeNull();
    expect(result.heads.sweet?.accuracy.estimate).toBe(1);
    expect(result.heads.salty?.accuracy.estimate).toBe(1);
    expect(result.heads.sweet?.pairs).toBe(20);
    expect(curve(context, 'eval_accuracy/salty')).toEqual([1]);
    expect(result.means).toHaveLength(2);
  });

  it('leaves a head alone that a step says nothing to', async () => {
    const rankings = tastes(8, { sweet: true, salty: false });
    const heads = { kind: 'objectives', names: ['sweet', 'salty'] } as const;
    // One label for the second head, so that the data are accepted, in a batch that the only step does not draw.
    const { inputs } = await train(
      { maxSteps: 1, batchSize: 1, seed: 4 },
      { rankings: [...rankings, ...tastes(1, { sweet: false, salty: true })], heads },
    );
    const fresh = rewardParameters(2).parameters.view(scoreHeadName);
    const trained = inputs.parameters.view(scoreHeadName);
    const width = inputs.config.width;
    expect(trained.subarray(0, width)).not.toEqual(fresh.subarray(0, width));
    expect(trained.subarray(width)).toEqual(fresh.subarray(width));
  });

  it('reads the judgement as a whole under the name overall', () => {
    const [ranking] = tastes(1, { sweet: true, salty: false });
    const [{ labels }] = labelRankings([{ ...ranking, ranks: [2, 1] }], {
      kind: 'objectives',
      names: ['sweet', 'overall'],
    });
    expect(labels.map((one) => one?.ranks)).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  it('refuses an objective that the data do not tell apart, naming those they do', async () => {
    const rankings = tastes(3, { sweet: true, salty: false });
    await expect(train({ maxSteps: 1 }, { rankings, heads: objectives })).rejects.toThrow(
      'none of the 3 rankings prefers one response over another by "salty"; the data have labels for: sweet',
    );
  });
});

describe('headPairs', () => {
  it('points at the scores of each head, and weighs each ranking once per head', () => {
    const ranking = {
      prompt: Int32Array.from([1]),
      responses: [2, 3, 4].map((id) => Int32Array.from([id])),
      ranks: [1, 2, 3],
      objectives: { a: { ranks: [2, 1, null] } },
    };
    const labelled = labelRankings([ranking, ranking], { kind: 'objectives', names: ['a', 'overall'] });
    const { better, worse, weights, labelled: count } = headPairs(labelled, 2, { ties: 'half' });
    // Head 0: response 1 over 0 in both rankings, scores 2r + 0. Head 1: 0 > 1, 0 > 2, 1 > 2, scores 2r + 1.
    expect([...better]).toEqual([2, 8, 1, 1, 3, 7, 7, 9]);
    expect([...worse]).toEqual([0, 6, 3, 5, 5, 9, 11, 11]);
    expect([...weights].map((w) => w.toFixed(4))).toEqual([
      '1.0000',
      '1.0000',
      ...new Array(6).fill('0.3333'),
    ]);
    expect(count).toBe(4);
  });
});

describe('an ensemble of heads', () => {
  it('learns the same with each, and disagrees more where it has learnt nothing', async () => {
    const rankings = tastes(40, { sweet: true, salty: false }).map((ranking) => ({
      ...ranking,
      ranks: [1, 2],
    }));
    const names = ['member 1', 'member 2', 'member 3'];
    const heldOut = tastes(20, { sweet: true, salty: false }, 5).map((one) => ({ ...one, ranks: [1, 2] }));
    const { result, inputs } = await train(
      { maxSteps: 30, batchSize: 16, headShare: 0.6 },
      { rankings, heldOut, heads: { kind: 'ensemble', names } },
    );
    expect(result.evaluation?.accuracy.estimate).toBe(1);
    expect(Object.keys(result.heads)).toEqual(names);
    const scorer = await HeadScorer.create(inputs.config, inputs.parameters, scoreHeadName, { threads: 1 });
    const sequences = heldOut.map(({ prompt, responses }) => ({ prompt, response: responses[0] }));
    const scores = await scorer.scoreHeads(inputs.parameters, sequences);
    await scorer.release();
    expect(scores).toHaveLength(3);
    expect(scores[0]).not.toEqual(scores[1]);
  });

  it('gives each head its own share of the rankings, the same for the same seed', () => {
    const rankings = tastes(400, { sweet: true, salty: false });
    const heads = { kind: 'ensemble', names: ['1', '2'] } as const;
    const labelled = labelRankings(rankings, heads, { headShare: 0.75, seed: 9 });
    const seen = [0, 1].map((h) => labelled.filter(({ labels }) => labels[h]).length);
    for (const count of seen) {
      // 400 draws at 3/4: mean 300, deviation √75 = 8.7
      expect(count).toBeGreaterThan(300 - 40);
      expect(count).toBeLessThan(300 + 40);
    }
    const both = labelled.filter(({ labels }) => labels[0] && labels[1]).length;
    expect(both).toBeLessThan(Math.min(...seen) - 20); // 9/16 of 400 = 225
    expect(labelRankings(rankings, heads, { headShare: 0.75, seed: 9 })).toEqual(labelled);
  });
});
