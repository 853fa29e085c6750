import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { accuracyCeiling } from './accuracy-ceiling.ts';
import { type Annotator, annotate, biasedPanel, rankResponses, typicalPanel } from './annotators.ts';
import { prompts } from './records.ts';
import { sampleResponses } from './sample-responses.ts';

const prompt = 'What is the river of Corda?';
const responses = ['The river of Corda is the Tarn.', 'I do not know.']; // gold 1 and 0.25
const plain: Annotator = { id: 'a', noise: 0.5, lengthBias: 0, flatteryBias: 0, fatigue: 0, tieThreshold: 0 };
const sigma = (x: number) => 1 / (1 + Math.exp(-x));

describe('accuracyCeiling', () => {
  it('is the preference probability of one pair, by hand', () => {
    const one = accuracyCeiling([{ prompt, responses }], [plain]);
    expect(one.ceiling).toBeCloseTo(sigma(0.75 / 0.5), 12);
    expect(one.gold).toBeCloseTo(one.ceiling, 12);
    expect(one.pairs).toBe(1);
    // Ties are judged away: P(Δ > τ) against P(Δ < −τ).
    const tie = accuracyCeiling([{ prompt, responses }], [{ ...plain, tieThreshold: 0.25 }]);
    const [win, lose] = [sigma(0.5 / 0.5), sigma(-1 / 0.5)];
    expect(tie.ceiling).toBeCloseTo(win / (win + lose), 12);
    // Without noise there is nothing to miss.
    expect(accuracyCeiling([{ prompt, responses }], [{ ...plain, noise: 0 }]).ceiling).toBe(1);
  });

  it('lets the gold reward fall short of it where the panel is biased', () => {
    // 3 words less, 0.75 better, but a lover of brevity: 0.75 − 3 · 3 / 10 < 0.
    const brief = accuracyCeiling([{ prompt, responses }], [{ ...plain, lengthBias: -3 }]);
    expect(brief.ceiling).toBeCloseTo(sigma(0.15 / 0.5), 12);
    expect(brief.gold).toBeCloseTo(1 - brief.ceiling, 12);
  });

  it('leaves out tied and identical pairs', () => {
    const texts = [...responses, responses[0], responses[0]];
    expect(accuracyCeiling([{ prompt, responses: texts }], [plain]).pairs).toBe(3);
    // Left: the second text against the third and the fourth.
    expect(accuracyCeiling([{ prompt, responses: texts, ranks: [1, 1, 2, 2] }], [plain]).pairs).toBe(2);
  });

  it.each([
    ['typical', typicalPanel],
    ['biased', biasedPanel],
  ] as const)('agrees with simulated rankings of four by the %s panel', (_, panel) => {
    const random = new Random(9);
    const items = prompts(150, 'test').map((item) => ({
      prompt: item.text,
      responses: sampleResponses(item, 4, { random }),
    }));
    const repeats = 40;
    let right = 0;
    let pairs = 0;
    for (const item of items) {
      const rankings = Array.from({ length: repeats }, () =>
        rankResponses(item.prompt, item.responses, { ...random.choice(panel), random }),
      );
      for (let i = 0; i < 4; i++) {
        for (let j = i + 1; j < 4; j++) {
          if (item.responses[i] === item.responses[j]) continue;
          const decided = rankings.filter((ranks) => ranks[i] !== ranks[j]);
          const first = decided.filter((ranks) => ranks[i] < ranks[j]).length;
          // Choose the majority by the first half of the rankings, score it on the second.
          const half = decided.slice(0, decided.length / 2);
          const choice = half.filter((ranks) => ranks[i] < ranks[j]).length * 2 >= half.length;
          const rest = decided.slice(half.length);
          const restFirst = first - half.filter((ranks) => ranks[i] < ranks[j]).length;
          right += choice ? restFirst : rest.length - restFirst;
          pairs += rest.length;
        }
      }
    }
    const { ceiling } = accuracyCeiling(items, panel);
    // Twenty rankings sometimes choose the wrong side of an even pair: the simulation is a little below.
    expect(right / pairs).toBeLessThan(ceiling + 0.01);
    expect(right / pairs).toBeGreaterThan(ceiling - 0.025);
  });

  it('lies between chance and certainty for the typical panel', () => {
    const random = new Random(10);
    const items = prompts(200, 'test').map((item) => ({
      prompt: item.text,
      responses: sampleResponses(item, 4, { random }),
    }));
    const { ceiling, gold } = accuracyCeiling(annotate(items), typicalPanel);
    expect(ceiling).toBeGreaterThan(0.75);
    expect(ceiling).toBeLessThan(0.9);
    expect(gold).toBeLessThanOrEqual(ceiling);
  });
});
