import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainedVariance } from './explained-variance.ts';
import { generalisedAdvantages } from './gae.ts';

/** The definition as a sum: A_t = Σ_l (γλ)^l δ_{t+l} over a response's tokens, nothing shared with the scan. */
function bySum(rewards: number[], values: number[], gamma: number, lambda: number, last = 0): number[] {
  const surprise = rewards.map((r, t) => r + gamma * (values[t + 1] ?? last) - values[t]);
  return rewards.map((_, t) =>
    surprise.slice(t).reduce((total, delta, l) => total + (gamma * lambda) ** l * delta, 0),
  );
}

describe('generalisedAdvantages', () => {
  it('is by hand: rewards 0, 0, 1 and values 0.5, 0.6, 0.7 with γ 1, λ 0.95', () => {
    // δ = 0.1, 0.1, 0.3; A = 0.1 + 0.95 · 0.385, 0.1 + 0.95 · 0.3, 0.3
    const { advantages, returns } = generalisedAdvantages({
      rewards: Float32Array.of(0, 0, 1, 0),
      values: Float32Array.of(0.5, 0.6, 0.7, 99),
      counted: Uint8Array.of(1, 1, 1, 0),
      sequences: 1,
    });
    [0.46575, 0.385, 0.3, 0].forEach((expected, i) => void expect(advantages[i]).toBeCloseTo(expected, 6));
    [0.96575, 0.985, 1, 0].forEach((expected, i) => void expect(returns[i]).toBeCloseTo(expected, 6));
  });

  it('equals the sum form for any lengths, padding on both sides and gaps', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    const token = fc.tuple(number, number, fc.boolean());
    fc.assert(
      fc.property(
        fc.array(fc.array(token, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        unit,
        unit,
        number,
        (rows, gamma, lambda, bootstrap) => {
          const flat = rows.flat();
          const { advantages, returns } = generalisedAdvantages({
            rewards: Float32Array.from(flat, ([reward, , keep]) => (keep ? reward : 0)),
            values: Float32Array.from(flat, ([, value, keep]) => (keep ? value : Number.NaN)),
            counted: Uint8Array.from(flat, ([, , keep]) => Number(keep)),
            sequences: rows.length,
            gamma,
            lambda,
            bootstrapValues: new Float32Array(rows.length).fill(bootstrap),
          });
          rows.forEach((row, b) => {
            const places = row.flatMap(([, , keep], t) => (keep ? [t] : []));
            const values = places.map((t) => row[t][1]);
            const rewards = places.map((t) => row[t][0]);
            bySum(rewards, values, gamma, lambda, bootstrap).forEach((expected, k) => {
              expect(advantages[b * 6 + places[k]]).toBeCloseTo(expected, 4);
              expect(returns[b * 6 + places[k]]).toBeCloseTo(expected + values[k], 4);
            });
          });
        },
      ),
    );
  });

  it('with λ = 1 is the discounted return less the value', () => {
    const { returns } = generalisedAdvantages({
      rewards: Float32Array.of(1, 2, 4),
      values: Float32Array.of(0.3, -7, 5),
      counted: Uint8Array.of(1, 1, 1),
      sequences: 1,
      gamma: 0.5,
      lambda: 1,
    });
    [1 + 1 + 1, 2 + 2, 4].forEach((expected, i) => void expect(returns[i]).toBeCloseTo(expected, 5));
  });

  it('refuses a reward where nothing counts, and arrays that do not fit', () => {
    const good = {
      rewards: Float32Array.of(0, 1),
      values: Float32Array.of(0, 0),
      counted: Uint8Array.of(1, 0),
      sequences: 1,
    };
    expect(() => generalisedAdvantages(good)).toThrow(/sequence 0 has reward 1 at token 1/);
    expect(() => generalisedAdvantages({ ...good, sequences: 3 })).toThrow(/rewards 2, values 2, counted 2/);
  });
});

describe('explainedVariance', () => {
  const returns = [1, 2, 3, 100];
  const counted = Uint8Array.of(1, 1, 1, 0);

  it('is 1 for perfect values, 0 for a constant, by hand in between', () => {
    expect(explainedVariance(returns, returns, counted)).toBe(1);
    expect(explainedVariance(returns, [7, 7, 7, 7], counted)).toBe(0);
    // residuals 0, 0, 1: variance 1/3 of a total of 1
    expect(explainedVariance(returns, [1, 2, 2, 0], counted)).toBeCloseTo(2 / 3, 12);
  });

  it('is NaN when the returns do not vary', () => {
    expect(explainedVariance([2, 2], [1, 3], Uint8Array.of(1, 1))).toBeNaN();
  });
});
