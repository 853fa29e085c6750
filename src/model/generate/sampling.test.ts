import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { keepLikely } from './keep-likely.ts';
import { argmax, checkSamplingOptions, drawToken, penalisedProbabilities } from './sampling.ts';

/** The definition, read out: sort, cut, cut, cut. */
function keptByDefinition(
  probabilities: ArrayLike<number>,
  topK: number,
  topP: number,
  minP: number,
): number[] {
  const p = Array.from(probabilities);
  let kept = p.map((_, id) => id).filter((id) => p[id] > 0);
  kept.sort((a, b) => p[b] - p[a] || a - b);
  const largest = p[kept[0]];
  if (topK > 0) kept = kept.slice(0, topK);
  if (topP < 1) {
    const total = kept.reduce((sum, id) => sum + p[id], 0);
    let size = 0;
    for (let sum = 0; sum < topP * total && size < kept.length; size++) sum += p[kept[size]];
    kept = kept.slice(0, size);
  }
  return kept.filter((id) => p[id] >= minP * largest).sort((a, b) => a - b);
}

const ascending = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);

function softmax(logits: readonly number[]): Float32Array {
  const weights = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = weights.reduce((a, b) => a + b, 0);
  return Float32Array.from(weights, (weight) => weight / total);
}

describe('keepLikely', () => {
  it('agrees with the definition, ties and zeros included', () => {
    // Multiples of powers of two keep every sum exact, so that the definition's order of summing is no matter.
    const probability = fc.oneof(
      fc.constantFrom(0, 1 / 64, 2 / 64, 3 / 64, 1 / 65536),
      fc.nat(4096).map((n) => n / 65536),
    );
    const topP = fc.integer({ min: 1, max: 64 }).map((n) => n / 64);
    const minP = fc.integer({ min: 0, max: 16 }).map((n) => n / 16);
    fc.assert(
      fc.property(
        fc.array(probability, { minLength: 1, maxLength: 40 }).filter((p) => p.some((x) => x > 0)),
        fc.nat(45),
        topP,
        minP,
        (list, k, p, m) => {
          const kept = keepLikely(Float32Array.from(list), { topK: k, topP: p, minP: m });
          expect(ascending(kept)).toEqual(keptByDefinition(list, k, p, m));
        },
      ),
      { numRuns: 2000, seed: 7 },
    );
  });

  it.each([
    [0.01, 'nearly uniform'],
    [1, 'of ordinary steepness'],
    [8, 'steep'],
    [60, 'so steep that most probabilities are denormal or 0'],
  ])('keeps the right tokens of 5,000 with logits of deviation %d (%s)', (deviation) => {
    const random = new Random(12);
    const p = softmax(Array.from({ length: 5000 }, () => deviation * random.normal()));
    for (const topK of [1, 7, 50, 4999, 5000, 6000]) {
      expect(ascending(keepLikely(p, { topK, topP: 1, minP: 0 }))).toEqual(keptByDefinition(p, topK, 1, 0));
    }
    for (const topP of [0.001, 0.5, 0.9, 0.99]) {
      const kept = keepLikely(p, { topK: 0, topP, minP: 0 });
      const mass = (ids: readonly number[]): number => ids.reduce((sum, id) => sum + p[id], 0);
      const least = kept.reduce((a, b) => (p[a] <= p[b] ? a : b));
      expect(mass(kept)).toBeGreaterThanOrEqual(topP * mass([...p.keys()]) - 1e-12);
      expect(mass(kept.filter((id) => id !== least))).toBeLessThan(topP);
      expect(p.filter((x) => x > p[least]).length).toBeLessThan(kept.length);
    }
  });

  it('reads a part of a larger array', () => {
    const all = Float32Array.of(0.9, 0.05, 0.2, 0.6, 0.2, 0.05);
    expect(ascending(keepLikely(all.subarray(2, 5), { topK: 2, topP: 1, minP: 0 }))).toEqual([0, 1]);
  });
});

describe('drawToken', () => {
  const p = softmax([1.2, -0.4, 0.3, -2.5, 0.9, 0.1, -1, 2]);

  /** How often each token is drawn, out of 20,000. */
  function counts(options: { topK?: number; topP?: number; minP?: number }): number[] {
    const checked = checkSamplingOptions(options);
    const random = new Random(77);
    const found = new Array<number>(p.length).fill(0);
    for (let i = 0; i < 20_000; i++) found[drawToken(p, checked, random)]++;
    return found;
  }

  it.each([[{}], [{ topK: 5 }], [{ topP: 0.8 }], [{ minP: 0.2 }], [{ topK: 6, topP: 0.9, minP: 0.15 }]])(
    'draws in proportion to the probabilities of what %j keeps',
    (options) => {
      const { topK = 0, topP = 1, minP = 0 } = options as { topK?: number; topP?: number; minP?: number };
      const kept = keptByDefinition(p, topK, topP, minP);
      const total = kept.reduce((sum, id) => sum + p[id], 0);
      let chiSquare = 0;
      const found = counts(options);
      for (const id of kept) {
        const expected = (20_000 * p[id]) / total;
        chiSquare += (found[id] - expected) ** 2 / expected;
      }
      expect(found.filter((count, id) => count > 0 && !kept.includes(id))).toEqual([]);
      // 0.999 quantiles of chi-square for 1 to 7 degrees of freedom (R 4.3, qchisq(0.999, df)).
      const limit = [10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32][kept.length - 2];
      expect(chiSquare).toBeLessThan(limit);
      expect(kept.length).toBeLessThan(Object.keys(options).length ? p.length : p.length + 1);
    },
  );

  it('never draws an impossible token, wherever the uniform number falls', () => {
    const options = checkSamplingOptions({});
    const drawAt = (u: number, list: number[]): number =>
      drawToken(Float32Array.from(list), options, { uniform: () => u } as Random);
    expect(drawAt(0, [0, 0.5, 0.5, 0])).toBe(1);
    expect(drawAt(0.5, [0, 0.5, 0.5, 0])).toBe(2);
    expect(drawAt(0.9999999, [0, 0.5, 0.4999, 0])).toBe(2); // a total a little under 1
  });
});

describe('argmax', () => {
  it('takes the lowest id among equals', () => {
    expect(argmax(Float32Array.of(-3, 2, 2, 1))).toBe(1);
    expect(argmax(Float32Array.of(-5))).toBe(0);
  });
});

describe('penalisedProbabilities', () => {
  it('divides positive and multiplies negative logits of seen tokens, then applies the temperature', () => {
    const options = checkSamplingOptions({ repetitionPenalty: 2, temperature: 0.5 });
    const found = penalisedProbabilities(Float32Array.of(3, -1, 1, -1), new Set([0, 1]), options);
    // 3 / 2 = 1.5 and −1 · 2 = −2; divided by 0.5: 3, −4, 2, −2.
    const expected = softmax([3, -4, 2, -2]);
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6);
    });
  });
});

describe('checkSamplingOptions', () => {
  it('fills in the defaults', () => {
    const defaults = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
    expect(checkSamplingOptions({})).toEqual(defaults);
  });

  it('names every option that is out of range', () => {
    const wrong = { temperature: Number.NaN, topK: 1.5, topP: 0, minP: 1.1, repetitionPenalty: 0 };
    expect(() => checkSamplingOptions(wrong)).toThrow(
      /temperature is NaN.*topK is 1.5.*topP is 0.*minP is 1.1.*repetitionPenalty is 0/,
    );
  });
});
