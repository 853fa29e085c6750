import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { chooseByJudge, chooseByScore, type PairToJudge } from './choose-pairs.ts';
import type { RewardItem } from './reward-function.ts';

describe('chooseByScore', () => {
  it('takes the best and the worst of each group, and leaves out what decides nothing', () => {
    const scores = Float32Array.of(1, 3, 2, 5, 5, 5, Number.NaN, 4, Number.NaN, Number.NaN, 7, 6);
    expect(chooseByScore(scores, 3)).toEqual([
      { chosen: 1, rejected: 0 },
      null, // all the same
      null, // one alone could be scored
      { chosen: 10, rejected: 11 },
    ]);
  });
});

describe('chooseByJudge', () => {
  const item = (promptText: string, responseText: string): RewardItem => ({
    prompt: [1],
    response: [2],
    promptText,
    responseText,
    ended: true,
  });
  const items = Array.from({ length: 40 }, (_, i) => item(`p${i >> 1}`, i % 2 ? 'a longer one' : 'short'));

  it('follows the judge whatever the order it is shown', async () => {
    const longest = async (pairs: readonly PairToJudge[]): Promise<(0 | 1)[]> =>
      pairs.map(({ responses: [a, b] }) => (a.length > b.length ? 0 : 1));
    const choices = await chooseByJudge(longest, items, new Random(1));
    expect(choices).toEqual(Array.from({ length: 20 }, (_, g) => ({ chosen: 2 * g + 1, rejected: 2 * g })));
  });

  it('gives a taste for the first place to neither', async () => {
    const seen: PairToJudge[] = [];
    const first = async (pairs: readonly PairToJudge[]): Promise<0[]> => {
      seen.push(...pairs);
      return pairs.map(() => 0);
    };
    const choices = await chooseByJudge(first, items, new Random(1));
    const longer = choices.filter((choice) => choice?.chosen && choice.chosen % 2 === 1).length;
    expect(longer).toBeGreaterThan(4);
    expect(longer).toBeLessThan(16);
    expect(seen.map(({ prompt }) => prompt)).toEqual(Array.from({ length: 20 }, (_, g) => `p${g}`));
    expect(await chooseByJudge(first, items, new Random(1))).toEqual(choices);
  });

  it('does not ask about equal responses, and takes null for an answer', async () => {
    const pairs = [item('p', 'same'), item('p', 'same'), item('q', 'x'), item('q', 'y')];
    let asked = 0;
    const judge = async (all: readonly PairToJudge[]): Promise<null[]> => {
      asked = all.length;
      return all.map(() => null);
    };
    expect(await chooseByJudge(judge, pairs, new Random(1))).toEqual([null, null]);
    expect(asked).toBe(1);
    await expect(chooseByJudge(async () => [], pairs, new Random(1))).rejects.toThrow(
      'The judge gave 0 verdicts on 1 pairs; it must give one for each: 0, 1, or null.',
    );
  });
});
