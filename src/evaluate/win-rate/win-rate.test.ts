import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { ratings } from './ratings.ts';
import { auditedWinRate, type Judged, lengthControlledWinRate, winRate } from './win-rate.ts';

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** A judge that prefers length, and the first model by `quality` beside it. */
function biasedJudge(quality: number, lengthWeight: number): Judged[] {
  const random = new Random(3);
  return Array.from({ length: 400 }, (_, i) => {
    // The first model's answers are longer on average.
    const lengths = [300 + 100 * random.normal(), 200 + 100 * random.normal()] as const;
    const probability = logistic(quality + lengthWeight * Math.tanh((lengths[0] - lengths[1]) / 150));
    return { id: `${i}`, probability, lengths };
  });
}

describe('winRate', () => {
  it('counts wins, ties and losses', () => {
    const judged = [0.9, 0.5, 0.1, 0.8].map(
      (probability, i): Judged => ({ id: `${i}`, probability, lengths: [1, i] }),
    );
    expect(winRate(judged)).toMatchObject({
      prompts: 4,
      wins: 50,
      ties: 25,
      losses: 25,
      lengthControlled: null,
      longer: 37.5, // longer than 0, as long as 1, shorter than 2 and 3
    });
    expect(winRate(judged).winRate.estimate).toBeCloseTo(57.5);
    // 57.5 ± 3.18 · 35.9 / √4, cut where there is nothing more.
    expect(winRate(judged).winRate.high).toBe(100);
    expect(winRate(judged).winRate.low).toBeCloseTo(0.3118, 3);
  });

  it('finds that two models are level where a judge’s taste for length makes one win', () => {
    const judged = biasedJudge(0, 2);
    const { winRate: plain, lengthControlled } = winRate(judged);
    expect(plain.estimate).toBeGreaterThan(60);
    expect(lengthControlled!.estimate).toBeCloseTo(50, 0);
    expect(lengthControlled!.low).toBeLessThanOrEqual(50.5);
    expect(lengthControlled!.high).toBeGreaterThanOrEqual(49.5);
  });

  it('keeps a real lead', () => {
    expect(lengthControlledWinRate(biasedJudge(1, 2)).estimate).toBeCloseTo(100 * logistic(1), 0);
  });

  it('gives 100 − it when the models change places', () => {
    const judged = biasedJudge(0.4, 1);
    const swapped = judged.map(
      ({ id, probability, lengths: [a, b] }): Judged => ({
        id,
        probability: 1 - probability,
        lengths: [b, a],
      }),
    );
    const [one, other] = [lengthControlledWinRate(judged), lengthControlledWinRate(swapped)];
    expect(one.estimate + other.estimate).toBeCloseTo(100, 6);
  });

  it('takes a judge’s leniency out with audits of a few', () => {
    const random = new Random(5);
    const truths = Array.from({ length: 1000 }, (): number => (random.uniform() < 0.4 ? 1 : 0));
    // Right in rank, but 0.2 too kind to the first model.
    const judged = truths.map(
      (truth, i): Judged => ({
        id: `${i}`,
        probability: 0.2 + 0.6 * truth + 0.1 * random.uniform(),
        lengths: [1, 1],
      }),
    );
    const audits = truths.slice(0, 100).map((label, i) => ({ id: `${i}`, label }));
    const all = (100 * truths.reduce((sum, truth) => sum + truth, 0)) / truths.length;
    const { winRate: audited, peopleAlone } = auditedWinRate(judged, audits);
    expect(audited.low).toBeLessThan(all);
    expect(audited.high).toBeGreaterThan(all);
    expect(audited.high - audited.low).toBeLessThan((peopleAlone.high - peopleAlone.low) / 2);
  });
});

it('counts every person’s verdict on a prompt', () => {
  const judged = ['a', 'b', 'c'].map((id): Judged => ({ id, probability: 0.5, lengths: [1, 1] }));
  const audits = [
    { id: 'a', label: 1 },
    { id: 'a', label: 1 },
    { id: 'a', label: 0.5 },
    { id: 'b', label: 0 },
  ];
  // (2.5 / 3 + 0) / 2
  expect(auditedWinRate(judged, audits)).toMatchObject({
    audits: 2,
    peopleAlone: { estimate: expect.closeTo(250 / 6, 10) },
  });
});

describe('ratings', () => {
  it('finds the strengths that the matches were drawn with', () => {
    const strengths = { weak: 800, middle: 1000, strong: 1200 };
    const names = Object.keys(strengths) as (keyof typeof strengths)[];
    const matches = Array.from({ length: 300 }, (_, prompt) =>
      names.flatMap((a, i) =>
        names.slice(i + 1).map((b) => ({
          prompt: `${prompt}`,
          models: [a, b] as const,
          // 200 points: 1 / (1 + 10^(−0.5)) = 0.7597
          probability: 1 / (1 + 10 ** ((strengths[b] - strengths[a]) / 400)),
        })),
      ),
    ).flat();
    const found = ratings(matches, { resamples: 50 });
    expect(found.map(({ model }) => model)).toEqual(['strong', 'middle', 'weak']);
    for (const { model, rating } of found) {
      expect(Math.abs(rating.estimate - strengths[model as keyof typeof strengths])).toBeLessThan(3);
    }
  });

  it('gives two models of one win each the same rating, and a model that always wins a finite one', () => {
    const level = ratings([
      { prompt: '1', models: ['a', 'b'], probability: 1 },
      { prompt: '2', models: ['b', 'a'], probability: 1 },
    ]);
    expect(level[0].rating.estimate).toBeCloseTo(1000);
    expect(level[1].rating.estimate).toBeCloseTo(1000);
    const [best] = ratings([{ prompt: '1', models: ['a', 'b'], probability: 1 }]);
    expect(best.model).toBe('a');
    expect(Number.isFinite(best.rating.estimate)).toBe(true);
  });
});
