import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { planSteps, policyFeeds, sequenceIndices, spreadOverTokens } from './policy-batch.ts';
import type { Rollout } from './rollout.ts';

/** Three responses of 2, 1 and 3 tokens to prompts of 2, 1 and 2. */
const rollout = {
  items: [
    { prompt: [1, 2], response: [11, 12] },
    { prompt: [3], response: [13] },
    { prompt: [4, 5], response: [14, 15, 16] },
  ],
  length: 3,
  lengths: Int32Array.of(2, 1, 3),
  counted: Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 1, 1),
  logProbs: Float32Array.of(-1, -2, 0, -3, 0, 0, -4, -5, -6),
} as unknown as Rollout;

const dataOf = (feed: unknown): number[] =>
  Array.from((feed as { data?: Float32Array }).data ?? (feed as Float32Array));

const layout = { tokenBudget: 1000, sharedPrompts: false };

describe('policyFeeds', () => {
  const values = {
    perToken: { weights: Float32Array.of(1, 2, 0, 3, 0, 0, 4, 5, 6) },
    perSequence: { advantages: [0.1, 0.2, 0.3] },
    scalars: { beta: 0.5 },
    totals: { weightTotal: Float32Array.of(1, 2, 9, 3, 9, 9, 4, 5, 6) }, // 9 where nothing is counted
  };

  it('packs the counted tokens of the chosen responses, longest first, with the step’s totals', () => {
    const [feeds, ...others] = policyFeeds(rollout, [2, 0], values, layout);
    expect(others).toEqual([]);
    expect(dataOf(feeds.targets)).toEqual([14, 15, 16, 11, 12]);
    expect(dataOf(feeds.oldLogProbs)).toEqual([-4, -5, -6, -1, -2]);
    expect(dataOf(feeds.weights)).toEqual([4, 5, 6, 1, 2]);
    expect(dataOf(feeds.sequence)).toEqual([0, 0, 0, 1, 1]);
    expect(dataOf(feeds.advantages)).toEqual([0.3, 0.1].map(Math.fround));
    expect(dataOf(feeds.beta)).toEqual([0.5]);
    expect(dataOf(feeds.tokenTotal)).toEqual([5]);
    expect(dataOf(feeds.sequenceTotal)).toEqual([2]);
    expect(dataOf(feeds.weightTotal)).toEqual([1 + 2 + 4 + 5 + 6]);
    // The hidden state before each target predicts it; rows are padded to eight tokens.
    expect(dataOf(feeds.rows)).toEqual([1, 2, 3, 8 + 1, 8 + 2]);
  });

  it('cuts into micro-batches, with the totals of the whole step in each', () => {
    const feeds = policyFeeds(rollout, [0, 1, 2], values, { ...layout, tokenBudget: 8 });
    expect(feeds.map(({ targets }) => dataOf(targets))).toEqual([[14, 15, 16], [11, 12], [13]]);
    for (const { tokenTotal, sequenceTotal, weightTotal } of feeds) {
      expect([tokenTotal, sequenceTotal, weightTotal].map(dataOf)).toEqual([[6], [3], [21]]);
    }
  });

  it('leaves out responses that count among the sequences, but not their tokens', () => {
    const [feeds] = policyFeeds(rollout, [0, 1, 2], values, { ...layout, leaveOut: [0, 0, 1] });
    expect(dataOf(feeds.targets)).toEqual([11, 12, 13]);
    expect([feeds.tokenTotal, feeds.sequenceTotal, feeds.weightTotal].map(dataOf)).toEqual([[3], [3], [6]]);
    expect(policyFeeds(rollout, [2], values, { ...layout, leaveOut: [0, 0, 1] })).toEqual([]);
  });
});

describe('spreadOverTokens and sequenceIndices', () => {
  it('repeat a response’s number, or its place, at its tokens', () => {
    expect([...spreadOverTokens(rollout, [7, 8, 9])]).toEqual([7, 7, 0, 8, 0, 0, 9, 9, 9]);
    expect([...sequenceIndices([2, 1, 3])]).toEqual([0, 0, 1, 2, 2, 2]);
  });
});

describe('planSteps', () => {
  it('goes through all responses in every pass, in equal parts and a new order', () => {
    const steps = planSteps(6, { passes: 2, stepsPerPass: 3, random: new Random(1) });
    expect(steps.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2, 2]);
    const passes = [steps.slice(0, 3).flat(), steps.slice(3).flat()];
    for (const pass of passes) expect(pass.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(passes[0]).not.toEqual(passes[1]);
    const sizes = (responses: number, stepsPerPass: number): number[] =>
      planSteps(responses, { passes: 1, stepsPerPass, random: new Random(1) }).map(({ length }) => length);
    expect(sizes(16, 5)).toEqual([3, 3, 3, 3, 4]);
    expect(sizes(3, 5)).toEqual([1, 1, 1]);
    expect(planSteps(0, { passes: 2, stepsPerPass: 3, random: new Random(1) })).toEqual([]);
  });
});
