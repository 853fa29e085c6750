import { describe, expect, it, vi } from 'vitest';
import { Generator } from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import type { RewardItem } from './reward-function.ts';
import { collectRollout, drawsFor, iterationSlice, type Rollout } from './rollout.ts';
import { HeadScorer, ResponseScorer } from './scorers.ts';
import { letterTokenizer } from './testing/letter-tokenizer.ts';

const { config, parameters } = tinyModel();
const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [10, 11], [12], [1, 2, 3]].map((ids, i) => ({
  ids,
  text: `question ${i}`,
}));

/** @param end the id that ends responses; 0 is also what batches are padded with */
async function collect(
  options: { seed?: number; end?: number; spy?: (items: readonly RewardItem[]) => void } = {},
): Promise<Rollout> {
  const generator = await Generator.create(config, parameters, { threads: 1, batchSize: 4 });
  const reference = parameters.clone();
  reference.values.fill(0);
  return collectRollout({
    prompts,
    generator,
    policy: parameters,
    reference,
    scorer: await ResponseScorer.create(config, parameters, { threads: 1, temperature: 0.8 }),
    reward: async (items) => {
      options.spy?.(items);
      return items.map(({ response }) => response.length);
    },
    tokenizer: letterTokenizer,
    stopIds: [options.end ?? 3],
    responseLength: 24,
    temperature: 0.8,
    random: drawsFor(options.seed ?? 1, 'responses', 0),
  });
}

describe('collectRollout', () => {
  it.each([3, 0])('counts the end token, also where it is the padding id (%i)', async (end) => {
    const rollout = await collect({ end });
    const { items, length, counted, lengths, ended } = rollout;
    expect([...ended]).toContain(1);
    expect([...ended]).toContain(0);
    expect(length).toBe(24);
    items.forEach(({ response }, row) => {
      const ids = Array.from(response);
      const mask = [...counted.subarray(row * length, (row + 1) * length)];
      expect(lengths[row]).toBe(ids.length);
      expect(mask).toEqual(Array.from({ length }, (_, t) => (t < ids.length ? 1 : 0)));
      // The first end token is the last token; without one the response has all its tokens.
      expect(ids.indexOf(end)).toBe(ended[row] ? ids.length - 1 : -1);
      if (!ended[row]) expect(ids).toHaveLength(24);
      const logProbs = rollout.logProbs.subarray(row * length, (row + 1) * length);
      for (const [t, value] of logProbs.entries()) expect(value < 0).toBe(mask[t] === 1);
    });
  });

  it('takes log-probabilities that the sampler agrees with, from policy and reference', async () => {
    const rollout = await collect();
    expect(rollout.logProbGap).toBeLessThan(1e-5);
    for (const [i, value] of rollout.referenceLogProbs.entries()) {
      expect(value).toBeCloseTo(rollout.counted[i] ? -Math.log(29) : 0, 5); // it finds all tokens equally likely
    }
  });

  it('notices responses of another policy than the one trained', async () => {
    const stale = parameters.clone();
    const norm = stale.view('model.norm.weight');
    norm.set(norm.map((weight) => weight * 1.2));
    const rollout = await collectRollout({
      prompts,
      generator: await Generator.create(config, stale, { threads: 1 }),
      policy: parameters,
      reference: parameters,
      scorer: await ResponseScorer.create(config, parameters, { threads: 1 }),
      reward: async (items) => items.map(() => 0),
      tokenizer: letterTokenizer,
      stopIds: [3],
      responseLength: 8,
      temperature: 1,
      random: drawsFor(1, 'responses', 0),
    });
    expect(rollout.logProbGap).toBeGreaterThan(0.02);
  });

  it('repeats itself with the same seed and not with another', async () => {
    const ids = ({ items }: Rollout): number[][] => items.map(({ response }) => Array.from(response));
    const first = await collect({ seed: 4 });
    expect(ids(await collect({ seed: 4 }))).toEqual(ids(first));
    expect(ids(await collect({ seed: 5 }))).not.toEqual(ids(first));
    // Equal prompts draw different responses.
    expect(ids(first)[0]).not.toEqual(ids(first)[5]);
  });

  it('shows reward and value function the same responses, as ids and as text', async () => {
    let seen: readonly RewardItem[] = [];
    const scored = vi.spyOn(HeadScorer.prototype, 'scoreTokens');
    const value = {
      scorer: Object.create(HeadScorer.prototype) as HeadScorer,
      parameters,
    };
    scored.mockImplementation(async (_, sequences) =>
      sequences.map(({ response }) => new Float32Array(response.length).fill(0.5)),
    );
    const rollout = await collectRollout({
      prompts,
      generator: await Generator.create(config, parameters, { threads: 1 }),
      policy: parameters,
      reference: parameters,
      scorer: await ResponseScorer.create(config, parameters, { threads: 1 }),
      value,
      reward: async (items) => {
        seen = items;
        return items.map((_, i) => i);
      },
      tokenizer: letterTokenizer,
      stopIds: [0],
      responseLength: 24,
      temperature: 1,
      random: drawsFor(2, 'responses', 0),
    });
    expect(scored.mock.calls[0][1]).toBe(seen);
    expect(rollout.items).toBe(seen);
    scored.mockRestore();
    expect([...rollout.scores]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...rollout.values]).toEqual(Array.from(rollout.counted, (one) => (one ? 0.5 : 0)));
    seen.forEach(({ promptText, responseText, response, ended }, i) => {
      expect(promptText).toBe(`question ${i}`);
      // Letters for all tokens but the end token, which is no text.
      expect(responseText).toHaveLength(response.length - (ended ? 1 : 0));
      expect(responseText).toBe(letterTokenizer.decode(response, { skipSpecialTokens: true }));
    });
  });
});

describe('iterationSlice', () => {
  it('takes every item once per pass, in an order that changes with the pass and the seed', () => {
    const items = Array.from({ length: 10 }, (_, i) => i);
    const take = (seed: number, from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, i) => iterationSlice(items, seed, from + i, 4)).flat();
    const all = take(1, 0, 10); // 40 items: four passes of ten
    for (let pass = 0; pass < 4; pass++) {
      expect(all.slice(10 * pass, 10 * pass + 10).toSorted((a, b) => a - b)).toEqual(items);
    }
    expect(all.slice(0, 10)).not.toEqual(all.slice(10, 20));
    expect(take(1, 3, 10)).toEqual(all.slice(12));
    expect(take(2, 0, 10)).not.toEqual(all);
    expect(iterationSlice(['a'], 1, 0, 3)).toEqual(['a', 'a', 'a']);
  });
});
