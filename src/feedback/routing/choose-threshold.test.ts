import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { candidateThresholds, chooseThreshold, type JudgedConfidence, pValueOf } from './choose-threshold.ts';

describe('the test of a threshold', () => {
  it('is the binomial test where people agree or do not', () => {
    // scipy 1.17.1: stats.binom.cdf(3, 20, 0.1), stats.binom.cdf(0, 30, 0.1).
    expect(pValueOf([...Array(3).fill(1), ...Array(17).fill(0)], 0.1)).toBeCloseTo(0.8670466765656649, 10);
    expect(pValueOf(Array(30).fill(0), 0.1)).toBeCloseTo(0.042391158275216195, 10);
  });

  it('uses Hoeffding’s and Bentkus’ bounds where there are ties', () => {
    const losses = [0.5, ...Array(59).fill(0)];
    // Mean 1/120. Hoeffding: exp(−60 · h(1/120, 0.1)); Bentkus: e · P(X ≤ 1) with X ~ Bin(60, 0.1).
    const a = 1 / 120;
    const h = a * Math.log(a / 0.1) + (1 - a) * Math.log((1 - a) / 0.9);
    const bentkus = Math.E * (0.9 ** 60 + 60 * 0.1 * 0.9 ** 59);
    expect(pValueOf(losses, 0.1)).toBeCloseTo(Math.min(Math.exp(-60 * h), bentkus), 12);
    expect(pValueOf([0.5, 0.5, 1], 0.5)).toBe(1);
  });

  it('holds its level with losses between 0 and 1', () => {
    // Losses 0, ½, 1 with mean exactly the risk: the hypothesis is true, and may be rejected in a tenth of cases.
    const random = new Random(5);
    const draw = (): number => {
      const u = random.uniform();
      return u < 0.8 ? 0 : u < 0.9 ? 0.5 : 1; // mean 0.15
    };
    let rejected = 0;
    for (let i = 0; i < 1000; i++) if (pValueOf(Array.from({ length: 80 }, draw), 0.15) <= 0.1) rejected++;
    expect(rejected / 1000).toBeLessThan(0.1);
  });
});

describe('a chosen threshold', () => {
  const target = 0.85;
  const delta = 0.1;
  /** People agree with probability `curve(confidence)`; confidences are uniform on [½, 1]. */
  const world = (curve: (confidence: number) => number) => {
    // Agreement of everything above a threshold, exactly, on a fine grid.
    const grid = Array.from({ length: 1000 }, (_, i) => 0.5 + (i + 0.5) / 2000);
    const above = (threshold: number): number => {
      const values = grid.filter((confidence) => confidence >= threshold).map(curve);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const sample = (count: number, random: Random): JudgedConfidence[] =>
      Array.from({ length: count }, () => {
        const confidence = 0.5 + random.uniform() / 2;
        return { confidence, agreement: random.uniform() < curve(confidence) ? 1 : 0 };
      });
    return { grid, above, sample };
  };

  it.each([
    ['rises', (c: number) => c, true],
    ['is overconfident', (c: number) => 0.6 + 0.35 * (2 * c - 1) ** 3, true],
    ['falls where it should rise', (c: number) => (c > 0.9 ? 0.8 : 0.9), false],
    ['is just too bad everywhere', () => 0.845, false],
    ['is just good enough at the top', (c: number) => (c > 0.8 ? 0.86 : 0.6), true],
  ])('keeps its promise where agreement %s', (_, curve, canPass) => {
    const { grid, above, sample } = world(curve);
    const repeats = 500;
    const candidates = candidateThresholds(grid, 200, { target, delta });
    let [broken, passed] = [0, 0];
    for (let i = 0; i < repeats; i++) {
      const drawn = sample(200, new Random(i));
      const { threshold } = chooseThreshold(drawn, { target, delta, candidates });
      if (threshold === null) continue;
      passed++;
      if (above(threshold) < target) broken++;
    }
    // At most delta, and three deviations of a share of 500: 3 · √(0.1 · 0.9 / 500) = 0.04.
    expect(broken / repeats).toBeLessThanOrEqual(delta + 0.04);
    if (canPass) expect(passed).toBeGreaterThan(0);
  });

  it('finds most of what could be had from a large sample', () => {
    const { grid, above, sample } = world((c) => c);
    // Above t people agree with (1 + t) / 2: all from 0.7 on could be kept.
    expect(above(0.7)).toBeCloseTo(0.85, 3);
    const candidates = candidateThresholds(grid, 5000, { target, delta });
    const chosen = chooseThreshold(sample(5000, new Random(3)), { target, delta, candidates });
    expect(chosen.threshold).toBeGreaterThan(0.68);
    expect(chosen.threshold).toBeLessThan(0.76);
    expect(chosen.lowest).toBeGreaterThanOrEqual(target);
    expect(chosen.agreement).toBeGreaterThan(chosen.lowest!);
  });

  it('is none where nothing can be shown, and says what was tested', () => {
    const sample = Array.from({ length: 200 }, (_, i) => ({ confidence: 0.5 + i / 400, agreement: i % 2 }));
    const confidences = sample.map(({ confidence }) => confidence);
    const chosen = chooseThreshold(sample, {
      ...{ target, delta, candidates: candidateThresholds(confidences, 200, { target, delta }) },
    });
    expect(chosen).toMatchObject({ threshold: null, agreement: null, lowest: null });
    expect(chosen.tested).toHaveLength(1);
    // By hand: 2 · ⌈log 0.1 / log 0.85⌉ = 30 of 200 items are above the strictest; half of them agree.
    expect(chosen.tested[0]).toMatchObject({ items: 30, agreement: 0.5 });
    expect(() => chooseThreshold(sample, { target: 1, candidates: [] })).toThrow('target is 1');
  });
});
