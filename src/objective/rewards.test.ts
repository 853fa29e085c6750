import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskResponses } from './response-mask.ts';
import { conditionScores, shapeRewards } from './rewards.ts';
import { RunningMoments } from './running-moments.ts';

describe('maskResponses', () => {
  // The trap: where padding and end token are one id, masking the padding masks the end too, and the policy
  // never learns to stop.
  it('counts the first end token and nothing after it, also where padding is the same id', () => {
    const end = 2;
    const { counted, lengths, ended } = maskResponses(Int32Array.of(5, 6, end, end, 5, 6, 7, 8), 2, [end]);
    expect([...counted]).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
    expect([...lengths]).toEqual([3, 4]);
    expect([...ended]).toEqual([1, 0]);
  });

  it('takes any of several end ids and refuses ragged rows', () => {
    expect([...maskResponses(Int32Array.of(9, 3, 4), 1, [4, 3]).lengths]).toEqual([2]);
    expect(() => maskResponses(Int32Array.of(1, 2, 3), 2, [0])).toThrow(/3 tokens do not make 2 equal rows/);
  });
});

describe('shapeRewards', () => {
  // Two responses of 3 and 2 counted tokens; d = log π − log π_ref by hand.
  const options = {
    scores: Float32Array.of(2, -1),
    logProbs: Float32Array.of(-1, -2, -0.5, 99, -1, -1, Number.NaN, 99),
    referenceLogProbs: Float32Array.of(-1.5, -1.8, -0.5, 0, -0.6, -1.1, 0, 0),
    counted: Uint8Array.of(1, 1, 1, 0, 1, 1, 0, 0),
    klCoefficient: 0.1,
  };

  it('puts −β d at every counted token and the score at the last one, by hand', () => {
    // row 0: d = 0.5, −0.2, 0; row 1: d = −0.4, 0.1
    const { rewards, kl, nonScoreRewards } = shapeRewards(options);
    const expected = [-0.05, 0.02, 0 + 2, 0, 0.04, -0.01 - 1, 0, 0];
    expected.forEach((value, i) => void expect(rewards[i]).toBeCloseTo(value, 6));
    expect(kl[0]).toBeCloseTo(0.3, 6);
    expect(kl[1]).toBeCloseTo(-0.3, 6);
    expect(nonScoreRewards[0]).toBeCloseTo(-0.03, 6);
  });

  it('reports as total the score minus the penalty, which is also what the tokens add up to', () => {
    const { rewards, totals } = shapeRewards(options);
    expect(totals[0]).toBeCloseTo(2 - 0.1 * 0.3, 6);
    expect(totals[1]).toBeCloseTo(-1 + 0.1 * 0.3, 6);
    expect(rewards.slice(0, 4).reduce((a, b) => a + b)).toBeCloseTo(totals[0], 6);
    expect(rewards.slice(4).reduce((a, b) => a + b)).toBeCloseTo(totals[1], 6);
  });

  it('lowers the reward of a response that drifted from the reference', () => {
    const drifted = { ...options, logProbs: Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0) };
    const still = { ...options, logProbs: options.referenceLogProbs };
    expect(shapeRewards(drifted).totals[0]).toBeLessThan(shapeRewards(still).totals[0]);
    expect(shapeRewards(still).totals[0]).toBe(2);
  });

  it('puts the score on the end token where padding is the same id', () => {
    const end = 2;
    const { counted } = maskResponses(Int32Array.of(5, end, end, end), 1, [end]);
    const zeros = new Float32Array(4);
    const { rewards } = shapeRewards({
      scores: [3],
      logProbs: zeros,
      referenceLogProbs: zeros,
      counted,
      klCoefficient: 0.1,
    });
    expect([...rewards].map(Math.abs)).toEqual([0, 3, 0, 0]);
  });

  it('does not change with padding', () => {
    const number = fc.float({ min: -5, max: 0, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 6 }),
        fc.nat(4),
        (row, pad) => {
          const shaped = (padding: number): Float32Array =>
            shapeRewards({
              scores: [1.5],
              logProbs: Float32Array.from([...row.map(([a]) => a), ...new Array(padding).fill(-7)]),
              referenceLogProbs: Float32Array.from([...row.map(([, b]) => b), ...new Array(padding).fill(3)]),
              counted: Uint8Array.from([...row.map(() => 1), ...new Array(padding).fill(0)]),
              klCoefficient: 0.2,
              klEstimator: 'k3',
            }).rewards;
          expect([...shaped(pad).slice(0, row.length)]).toEqual([...shaped(0)]);
        },
      ),
    );
  });

  it('refuses responses without a counted token and scores that are not finite, naming all', () => {
    const counted = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0);
    expect(() => shapeRewards({ ...options, counted })).toThrow(/responses 0, 1 have no counted token/);
    expect(() => shapeRewards({ ...options, scores: [Number.NaN, 1] })).toThrow(/scores 0 are not finite/);
    expect(() => shapeRewards({ ...options, scores: [1, 2, 3] })).toThrow(/does not make 3 equal rows/);
  });
});

describe('conditionScores', () => {
  it('clips first and then subtracts the missing-end penalty, so that clipping cannot hide it', () => {
    const scores = conditionScores({
      scores: [20, 20, -3],
      ended: Uint8Array.of(1, 0, 0),
      clip: 10,
      missingEosPenalty: 1,
    });
    expect([...scores]).toEqual([10, 9, -4]);
  });

  it('leaves scores alone by default', () => {
    expect([...conditionScores({ scores: [20, -30], ended: Uint8Array.of(0, 0) })]).toEqual([20, -30]);
  });

  it('normalises by moments that include the batch itself', () => {
    const moments = new RunningMoments();
    const [low, high] = conditionScores({ scores: [1, 3], ended: Uint8Array.of(1, 1), moments });
    expect(low).toBeCloseTo(-Math.SQRT1_2, 6); // mean 2, deviation √2
    expect(high).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('refuses what cannot be meant', () => {
    expect(() => conditionScores({ scores: [1], ended: Uint8Array.of(1), missingEosPenalty: -1 })).toThrow(
      /≥ 0/,
    );
    expect(() => conditionScores({ scores: [1], ended: Uint8Array.of(1, 1) })).toThrow(/1 scores but 2 end/);
    expect(() => conditionScores({ scores: [Number.NaN], ended: Uint8Array.of(1) })).toThrow(/not finite/);
  });
});

describe('RunningMoments', () => {
  it('has the mean and variance of all numbers at once, in whatever portions they come', () => {
    const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(numbers, fc.nat(29), (values, cut) => {
        const moments = new RunningMoments();
        moments.add(values.slice(0, cut));
        const resumed = new RunningMoments(JSON.parse(JSON.stringify(moments.state)));
        resumed.add(values.slice(cut));
        const mean = values.reduce((a, b) => a + b) / values.length;
        const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1);
        expect(resumed.count).toBe(values.length);
        expect(resumed.mean).toBeCloseTo(mean, 6);
        expect(resumed.variance / Math.max(1, variance)).toBeCloseTo(variance / Math.max(1, variance), 8);
      }),
    );
  });

  it('stays exact far from zero, where a sum of squares would not', () => {
    const moments = new RunningMoments();
    moments.add([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]);
    expect(moments.variance).toBeCloseTo(30, 6); // deviations −6, −3, 3, 6: 90 / 3
  });

  it('changes nothing before it has seen a spread, and refuses NaN', () => {
    const moments = new RunningMoments();
    moments.add([5]);
    expect([...moments.normalise([5, 7])]).toEqual([5, 7]);
    expect(() => moments.add([1, Number.NaN])).toThrow(/value 1 of 2 is NaN/);
    expect(moments.count).toBe(1);
  });

  it('can keep the sign of rewards', () => {
    const moments = new RunningMoments();
    moments.add([1, 3]);
    expect(moments.normalise([1], { keepMean: true })[0]).toBeCloseTo(1 / Math.SQRT2, 6);
    expect(moments.normalise([1])[0]).toBeCloseTo(-1 / Math.SQRT2, 6);
  });
});
