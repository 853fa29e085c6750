import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { expectedCalibrationError, pairCalibration } from './calibration.ts';
import {
  bootstrapDifference,
  bootstrapMean,
  clopperPearsonInterval,
  studentInterval,
  wilsonInterval,
} from './intervals.ts';
import { binomialCumulative, normalQuantile, studentQuantile } from './quantiles.ts';
import { trivialBaselines } from './trivial-baselines.ts';

describe('quantiles', () => {
  // Roots of the distribution functions found by mpmath 1.3 with 30 digits.
  it.each([
    [0.975, 1.959963984540054],
    [0.995, 2.5758293035489004],
    [0.5, 0],
    [0.01, -2.3263478740408408],
  ])('normal at %f', (probability, expected) => {
    expect(normalQuantile(probability)).toBeCloseTo(expected, 10);
  });

  it.each([
    [0.975, 1, 12.706204736432095],
    [0.975, 2, 4.302652729749464],
    [0.975, 10, 2.228138851986275],
    [0.95, 30, 1.6972608865939574],
    [0.025, 100, -1.983971518523552],
  ])('Student at %f with %d degrees', (probability, degrees, expected) => {
    expect(studentQuantile(probability, degrees) / expected).toBeCloseTo(1, 10);
  });
});

describe('the binomial distribution', () => {
  // scipy 1.17.1: stats.binom.cdf, stats.beta.ppf.
  it.each([
    [3, 20, 0.1, 0.8670466765656649],
    [60, 500, 0.15, 0.031901872600401976],
    [0, 30, 0.1, 0.042391158275216195],
    [4999, 100_000, 0.05, 0.497974038540198],
    [20, 20, 0.5, 1],
    [-1, 20, 0.5, 0],
  ])('sums up to %d of %d at %f', (k, n, p, expected) => {
    expect(binomialCumulative(k, n, p)).toBeCloseTo(expected, 9);
  });

  it.each([
    [0, 10, 0.95, 0, 0.3084971078187607],
    [3, 20, 0.95, 0.032070937185463715, 0.37892682654531396],
    [85, 100, 0.9, 0.7784630916814886, 0.9052059883253526],
    [10, 10, 0.95, 0.6915028921812392, 1],
    [499, 500, 0.99, 0.9852349286103113, 0.9999899749666039],
  ])('gives Clopper and Pearson’s interval of %d in %d at %f', (k, n, confidence, low, high) => {
    const interval = clopperPearsonInterval(k, n, confidence);
    expect(interval.low).toBeCloseTo(low, 10);
    expect(interval.high).toBeCloseTo(high, 10);
    expect(() => clopperPearsonInterval(k + 0.5, n)).toThrow('impossible');
  });
});

describe('intervals', () => {
  it('Wilson agrees with statsmodels for 8 of 10 and stays inside [0, 1]', () => {
    const { estimate, low, high } = wilsonInterval(8, 10);
    expect(estimate).toBe(0.8);
    expect(low).toBeCloseTo(0.4901625, 6);
    expect(high).toBeCloseTo(0.9433178, 6);
    expect(wilsonInterval(0, 5).low).toBe(0);
    expect(wilsonInterval(5, 5).high).toBe(1);
    expect(() => wilsonInterval(3, 2)).toThrow(/3 successes of 2 trials/);
  });

  it('Student’s is by hand: 1, 2, 3 has mean 2 and half width 4.302653 · 1 / √3', () => {
    const { low, high } = studentInterval([1, 2, 3]);
    expect(high - 2).toBeCloseTo(4.302652729749464 / Math.sqrt(3), 8);
    expect(2 - low).toBeCloseTo(high - 2, 12);
    expect(() => studentInterval([1])).toThrow(/at least 2/);
  });

  it('bootstrap repeats with its seed and agrees with theory on a large sample', () => {
    const random = new Random(3);
    const values = Float64Array.from({ length: 400 }, () => 1 + 2 * random.normal());
    const interval = bootstrapMean(values, { seed: 5 });
    expect(bootstrapMean(values, { seed: 5 })).toEqual(interval);
    const exact = studentInterval(values);
    expect(interval.low).toBeCloseTo(exact.low, 1);
    expect(interval.high).toBeCloseTo(exact.high, 1);
    expect(interval.estimate).toBe(exact.estimate);
  });

  it('pairing removes what both conditions share', () => {
    const random = new Random(4);
    const base = Float64Array.from({ length: 60 }, () => 10 * random.normal());
    const better = base.map((value) => value + 0.5 + 0.1 * random.normal());
    const paired = bootstrapMean(
      better.map((value, i) => value - base[i]),
      { seed: 1 },
    );
    const unpaired = bootstrapDifference(better, base, { seed: 1 });
    expect(paired.low).toBeGreaterThan(0);
    expect(unpaired.low).toBeLessThan(0);
    expect(unpaired.estimate).toBeCloseTo(paired.estimate, 9);
  });
});

describe('calibration', () => {
  it('is by hand: two bins', () => {
    // [0, ½): 0.2 and 0.4 with outcomes 0, 1: |½ − 0.3| = 0.2. [½, 1]: 0.9 with outcome 1: 0.1.
    const { error, bins } = expectedCalibrationError([0.2, 0.4, 0.9], [0, 1, 1], { bins: 2 });
    expect(error).toBeCloseTo((2 / 3) * 0.2 + (1 / 3) * 0.1, 12);
    expect(bins.map(({ count }) => count)).toEqual([2, 1]);
  });

  it('takes probabilities of exactly 0 and 1', () => {
    expect(expectedCalibrationError([0, 1], [0, 1]).error).toBe(0);
  });

  it('measures pairs by hand: margins log 3, −log 3, 0', () => {
    // σ(log 3) = ¾. Right once, wrong once, undecided once.
    const result = pairCalibration([Math.log(3), -Math.log(3), 0]);
    expect(result.accuracy.estimate).toBeCloseTo(1.5 / 3, 12);
    expect(result.meanMargin).toBeCloseTo(0, 12);
    expect(result.logLoss).toBeCloseTo((Math.log(4 / 3) + Math.log(4) + Math.log(2)) / 3, 12);
    // Both ¾ share a bin: accuracy ½, gap ¼. The undecided one is in its own bin: ½ − ½ = 0.
    expect(result.calibrationError).toBeCloseTo((2 / 3) * 0.25, 12);
  });

  it('finds a model that is right as often as it says calibrated, and an overconfident one not', () => {
    const random = new Random(9);
    const margins = Array.from({ length: 20_000 }, () => {
      const gap = Math.abs(2 * random.normal());
      return random.uniform() < 1 / (1 + Math.exp(-gap)) ? gap : -gap;
    });
    expect(pairCalibration(margins).calibrationError).toBeLessThan(0.015);
    expect(pairCalibration(margins.map((margin) => 3 * margin)).calibrationError).toBeGreaterThan(0.08);
  });

  it('needs something to measure', () => {
    expect(() => pairCalibration([])).toThrow(/no held-out pairs/);
    expect(() => expectedCalibrationError([0.5], [])).toThrow(/1 probabilities and 0 outcomes/);
  });
});

describe('trivialBaselines', () => {
  it('is by hand', () => {
    const baselines = trivialBaselines({
      betterLengths: [10, 3, 5, 8],
      worseLengths: [2, 9, 5, 1],
      betterIsFirst: [1, 1, 1, 0],
    });
    expect(baselines.longestWins.estimate).toBe(2.5 / 4);
    expect(baselines.shortestWins.estimate).toBe(1.5 / 4);
    expect(baselines.firstWins?.estimate).toBe(3 / 4);
  });

  it('knows no first response where the data has no order, and wants equal lists', () => {
    expect(trivialBaselines({ betterLengths: [1], worseLengths: [2] }).firstWins).toBeNull();
    expect(() => trivialBaselines({ betterLengths: [1], worseLengths: [] })).toThrow(/1 and 0 lengths/);
  });
});
