import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { type CalibrationPair, calibrated, calibrateJudge, fitCalibrator } from './calibrate.ts';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function knotsOf(pairs: readonly CalibrationPair[]): readonly (readonly [number, number])[] {
  const calibrator = fitCalibrator(pairs, 'isotonic');
  return calibrator.method === 'isotonic' ? calibrator.knots : [];
}

/** Pairs of which people prefer the first with probability σ(z), and a judge that states `says(z)`. */
function simulate(count: number, says: (z: number, random: Random) => number, seed = 1): CalibrationPair[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const z = 1.5 * random.normal();
    const outcome = random.uniform() < sigmoid(z) ? 1 : 0;
    return { item: `item ${i}`, probability: says(z, random), outcome };
  });
}

describe('temperature', () => {
  it('is found again where a judge is three times too sure', () => {
    const pairs = simulate(4000, (z) => sigmoid(3 * z));
    const calibrator = fitCalibrator(pairs, 'temperature');
    // The deviation of log T is about 1 / √(4000 · 0.15 · mean z²) = 0.03; four of them are allowed.
    expect(calibrator).toMatchObject({ method: 'temperature' });
    const { temperature } = calibrator as { temperature: number };
    expect(Math.abs(Math.log(temperature / 3))).toBeLessThan(0.12);
    expect(calibrated(calibrator, 0.5)).toBe(0.5);
    expect(calibrated({ method: 'temperature', temperature: 2 }, sigmoid(3))).toBeCloseTo(sigmoid(1.5), 12);
  });

  it('treats both orders of a pair alike', () => {
    const pairs = simulate(300, (z) => sigmoid(2 * z));
    const swapped = pairs.map((pair) => ({
      ...pair,
      probability: 1 - pair.probability,
      outcome: 1 - pair.outcome,
    }));
    const both = (['temperature', 'isotonic'] as const).map((method) => [
      calibrated(fitCalibrator(pairs, method), 0.8),
      1 - calibrated(fitCalibrator(swapped, method), 0.2),
    ]);
    for (const [one, other] of both) expect(one).toBeCloseTo(other, 6);
  });
});

describe('isotonic regression', () => {
  it('pools what falls, by hand', () => {
    // Confidence .6 .7 .8 .9 with hits 1 0 1 1: the first two pool to 1 of 2; .8 and .9 stay, or pool, at 1.
    const pairs = [0.6, 0.7, 0.8, 0.9].map((probability, i) => ({
      ...{ item: String(i), probability, outcome: i === 1 ? 0 : 1 },
    }));
    const knots = knotsOf(pairs);
    // Half a hit and half a miss more: (1 + ½) / 3 at .65, (2 + ½) / 3 at .85.
    expect(knots.map(([x]) => x)).toEqual([expect.closeTo(0.65, 12), expect.closeTo(0.85, 12)]);
    expect(knots.map(([, y]) => y)).toEqual([0.5, expect.closeTo(2.5 / 3, 12)]);
    const calibrator = { method: 'isotonic', knots } as const;
    expect(calibrated(calibrator, 0.75)).toBeCloseTo((0.5 + 2.5 / 3) / 2, 12);
    expect(calibrated(calibrator, 0.1)).toBeCloseTo(1 - 2.5 / 3, 12);
  });

  it('never falls, whatever the data', () => {
    const pairs = simulate(200, (_, random) => random.uniform());
    const knots = knotsOf(pairs);
    for (let i = 1; i < knots.length; i++) {
      expect(knots[i][0]).toBeGreaterThan(knots[i - 1][0]);
      expect(knots[i][1]).toBeGreaterThanOrEqual(knots[i - 1][1]);
    }
  });
});

describe('calibration of a judge', () => {
  it('mends one that is too sure, and measures it on pairs that it was not fitted to', () => {
    const { before, after, eceOfPerfect, calibrator, agreement } = calibrateJudge(
      simulate(1500, (z) => sigmoid(4 * z)),
    );
    expect(calibrator.method).not.toBe('none');
    expect(before.ece).toBeGreaterThan(0.1);
    expect(after.ece).toBeLessThan(0.05);
    expect(after.ece).toBeLessThan(before.ece / 3);
    expect(eceOfPerfect).toBeLessThan(0.05);
    expect(after.logLoss).toBeLessThan(before.logLoss);
    // Prefers the right side: E σ(|z|) for z ~ N(0, 1.5²) is 0.74.
    expect(agreement).toBeGreaterThan(0.7);
  });

  it('follows a curve that no temperature has', () => {
    // Right in three of four cases however sure it is, and says .55 or .99.
    const random = new Random(4);
    const pairs = Array.from({ length: 1000 }, (_, i) => {
      const probability = i % 2 === 0 ? 0.55 : 0.99;
      return { item: String(i), probability, outcome: random.uniform() < 0.75 ? 1 : 0 };
    });
    const { calibrator, after } = calibrateJudge(pairs);
    expect(calibrator.method).toBe('isotonic');
    for (const p of [0.55, 0.99]) expect(Math.abs(calibrated(calibrator, p) - 0.75)).toBeLessThan(0.06);
    expect(after.ece).toBeLessThan(0.05);
  });

  it('leaves a judge alone that is right about itself, and promises nothing of one that knows nothing', () => {
    const honest = calibrateJudge(simulate(1500, (z) => sigmoid(z)));
    expect(honest.after.ece).toBeLessThan(2 * honest.eceOfPerfect);
    const blind = calibrateJudge(simulate(1500, (_, random) => random.uniform()));
    // log 2, to four deviations of the mean of 1500 losses near it.
    expect(blind.after.logLoss).toBeGreaterThan(Math.log(2) - 0.02);
    expect(blind.before.logLoss).toBeGreaterThan(0.9);
  });

  it('keeps pairs of one item together: copies of a pair teach nothing about each other', () => {
    const pairs = simulate(30, (_, random) => random.uniform(), 7).flatMap((pair) => Array(20).fill(pair));
    const { after } = calibrateJudge(pairs, { method: 'isotonic' });
    // Fitted to itself, 30 values with 20 equal outcomes each would be near 0.4.
    expect(after.logLoss).toBeGreaterThan(0.6);
    expect(() => calibrateJudge([])).toThrow('no pair');
  });
});
