import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { annotate, biasedPanel, meanUtility, rankResponses, typicalPanel } from './annotators.ts';
import { goldReward } from './gold-reward.ts';
import { filler, praise } from './phrases.ts';
import { prompts } from './records.ts';
import { sampleResponses } from './sample-responses.ts';
import { sentence } from './template.ts';

const flawless = { noise: 0, lengthBias: 0, flatteryBias: 0, fatigue: 0, tieThreshold: 0 };
const prompt = 'What is the river of Corda?';
const right = 'The river of Corda is the Tarn.';
const unknown = 'I do not know.';
const wrong = 'The river of Corda is the Dun.';
const flattering = `What a clever question. ${right}`;

describe('rankResponses', () => {
  it('without noise and bias ranks by the gold reward', () => {
    const random = new Random(1);
    for (const item of prompts(100, 'train')) {
      const responses = sampleResponses(item, 4, { random });
      const ranks = rankResponses(item.text, responses, { ...flawless, random });
      const golds = responses.map((text) => goldReward(item.text, text).total);
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++)
          expect(Math.sign(ranks[i] - ranks[j])).toBe(Math.sign(golds[j] - golds[i]));
      }
    }
  });

  it('counts ranks from 1 without gaps and ties equal texts', () => {
    const random = new Random(2);
    expect(rankResponses(prompt, [wrong, right, unknown, right], { ...flawless, random })).toEqual([
      3, 1, 2, 1,
    ]);
    const noisy = rankResponses(prompt, [right, wrong, right], { ...flawless, noise: 5, random });
    expect(noisy[0]).toBe(noisy[2]);
    expect(rankResponses(prompt, [wrong, unknown, right], { ...flawless, tieThreshold: 2, random })).toEqual([
      1, 1, 1,
    ]);
  });

  it('prefers i to j with probability σ(Δ / scale), also when tired', () => {
    const margin = goldReward(prompt, right).total - goldReward(prompt, unknown).total; // 0.75
    for (const [itemIndex, scale] of [
      [0, 0.5],
      [100, 1],
      [200, 0.5],
    ]) {
      const random = new Random(3);
      let wins = 0;
      for (let i = 0; i < 4000; i++) {
        const ranks = rankResponses(prompt, [right, unknown], {
          ...flawless,
          noise: 0.5,
          fatigue: 1,
          random,
          itemIndex,
        });
        if (ranks[0] === 1) wins++;
      }
      // Three standard errors of a share of 4,000.
      expect(Math.abs(wins / 4000 - 1 / (1 + Math.exp(-margin / scale)))).toBeLessThan(0.024);
    }
  });

  it('adds the stated biases to the utility', () => {
    // 7 words and no praise; 11 words and one praise.
    expect(meanUtility(prompt, right, { ...flawless, lengthBias: 0.5 })).toBeCloseTo(1 + 0.35, 12);
    const gold = goldReward(prompt, flattering).total;
    expect(meanUtility(prompt, flattering, { ...flawless, lengthBias: 0.5, flatteryBias: 0.3 })).toBeCloseTo(
      gold + 0.55 + 0.3,
      12,
    );
    const view = 'I think 7 plus 5 is 13. Am I right?';
    const agree = 'You are so right, 7 plus 5 is 13.'; // praise and a wrong view confirmed
    expect(
      meanUtility(view, agree, { ...flawless, flatteryBias: 0.3 }) - goldReward(view, agree).total,
    ).toBeCloseTo(0.6, 12);
  });

  it('can be over-optimised: what the biased panel likes more and more is worth less and less', () => {
    const proxies: number[] = [];
    const golds: number[] = [];
    for (let extras = 0; extras <= 8; extras += 2) {
      const padding = [...praise, ...filler].slice(0, extras).map(sentence);
      const text = [right, ...padding].join(' ');
      const utilities = biasedPanel.map((annotator) => meanUtility(prompt, text, annotator));
      proxies.push(utilities.reduce((sum, utility) => sum + utility, 0) / utilities.length);
      golds.push(goldReward(prompt, text).total);
    }
    expect(proxies).toEqual(proxies.toSorted((a, b) => a - b));
    expect(golds).toEqual(golds.toSorted((a, b) => b - a));
    expect(golds.at(-1)).toBeLessThan(0.2);
  });

  it('knows narrower goals', () => {
    const unsafe = 'How do I steal the ring of my boss?';
    const comply = 'First wait until your boss looks away. Then take the ring and run.';
    const refuse = 'I can not help with that.';
    const of = (goal: 'helpful-only' | 'harmless-only', text: string) =>
      meanUtility(unsafe, text, { ...flawless, goal });
    expect(of('helpful-only', comply)).toBe(1);
    expect(of('helpful-only', refuse)).toBe(0);
    expect(of('harmless-only', comply)).toBeCloseTo(0.04, 12);
    expect(of('harmless-only', refuse)).toBe(1);
  });
});

describe('annotate', () => {
  const items = prompts(60, 'train').map((item) => ({
    prompt: item.text,
    responses: sampleResponses(item, 4, { random: new Random(4) }),
  }));

  it('spreads items evenly, counts what each has judged, and repeats itself for the same seed', () => {
    const records = annotate(items, { seed: 1, overlap: 2 });
    expect(records).toHaveLength(120);
    for (const { id } of typicalPanel) {
      const own = records.filter(({ annotator }) => annotator === id);
      expect(own.map(({ itemIndex }) => itemIndex)).toEqual(Array.from({ length: 24 }, (_, i) => i));
    }
    for (let i = 0; i < 120; i += 2) expect(records[i].annotator).not.toBe(records[i + 1].annotator);
    expect(annotate(items, { seed: 1, overlap: 2 })).toEqual(records);
    expect(annotate(items, { seed: 2, overlap: 2 })).not.toEqual(records);
  });

  it('refuses more overlap than people', () => {
    expect(() => annotate(items, { overlap: 6 })).toThrow('overlap (6)');
  });
});
