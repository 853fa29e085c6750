import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearsonInterval } from '../../objective/index.ts';
import { refusalThreshold } from './thresholds.ts';

describe('refusalThreshold', () => {
  it('lies between the last refused and the first passed, by hand', () => {
    const scores = [0.1, 0.9, 0.5, 0.7, 0.2];
    expect(refusalThreshold(scores, 0.4)).toMatchObject({ threshold: 0.6, benign: 5 });
    expect(refusalThreshold(scores, 0.4).refused).toEqual(clopperPearsonInterval(2, 5));
    // None may be refused: half way from the highest to 1.
    expect(refusalThreshold(scores, 0.1).threshold).toBeCloseTo(0.95, 12);
  });

  it('never refuses more than was wanted, and equal scores alike', () => {
    const score = fc.integer({ min: 0, max: 6 }).map((n) => n / 6);
    fc.assert(
      fc.property(
        fc.array(score, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (scores, rate) => {
          const { threshold, refused } = refusalThreshold(scores, rate);
          const count = scores.filter((one) => one >= threshold).length;
          expect(count / scores.length).toBe(refused.estimate);
          // A score of 1 cannot be passed by any threshold.
          if (!scores.includes(1)) expect(count).toBeLessThanOrEqual(rate * scores.length + 1e-9);
          const next = Math.max(...scores.filter((one) => one < threshold), -1);
          if (next >= 0 && count + scores.filter((one) => one === next).length <= rate * scores.length) {
            expect.unreachable('a lower threshold would have done');
          }
        },
      ),
    );
  });

  it('is that of the last refused where no number lies between it and the first passed', () => {
    const [last, first] = [1 - 2 ** -53, 1 - 2 ** -52];
    const scores = [last, first, ...new Array<number>(98).fill(0.5)];
    expect(refusalThreshold(scores, 0.01)).toMatchObject({ threshold: last, refused: { estimate: 0.01 } });
  });

  it('says what it takes', () => {
    expect(() => refusalThreshold([], 0.1)).toThrow(/0 harmless scores/);
    expect(() => refusalThreshold([0.5], 1)).toThrow(/a rate in \[0, 1\)/);
  });
});
