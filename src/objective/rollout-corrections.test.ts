import { describe, expect, it } from 'vitest';
import { highEntropyMask } from './high-entropy-mask.ts';
import { type ImportanceMode, importanceWeights } from './importance-sampling.ts';

describe('importanceWeights', () => {
  // Row 0: ratios 2 and 4, together 8. Row 1: ratios ½ and 1, together ½; then a token that does not count.
  const options = {
    logProbs: Float32Array.of(Math.log(2), Math.log(4), 99, Math.log(0.5), 0, 99),
    samplerLogProbs: new Float32Array(6),
    counted: Uint8Array.of(1, 1, 0, 1, 1, 0),
    sequences: 2,
  };
  it.each<[ImportanceMode, number[], number]>([
    ['token_truncate', [2, 3, 0, 0.8, 1, 0], 2 / 4],
    ['token_mask', [2, 0, 0, 0, 1, 0], 2 / 4],
    ['sequence_truncate', [3, 3, 0, 0.8, 0.8, 0], 1],
    ['sequence_mask', [0, 0, 0, 0, 0, 0], 1],
  ])('%s is by hand', (mode, expected, fraction) => {
    const { weights, limitedFraction } = importanceWeights({ ...options, mode, low: 0.8, high: 3 });
    expected.forEach((value, i) => void expect(weights[i]).toBeCloseTo(value, 6));
    expect(limitedFraction).toBe(fraction);
  });

  it('is 1 everywhere when sampler and trainer agree, and measures how far they do not', () => {
    const same = importanceWeights({ ...options, samplerLogProbs: options.logProbs });
    expect([...same.weights]).toEqual([1, 1, 0, 1, 1, 0]);
    expect(same).toMatchObject({ meanLogGap: 0, maxLogGap: 0, limitedFraction: 0 });
    const { meanLogGap, maxLogGap } = importanceWeights(options);
    expect(meanLogGap).toBeCloseTo(Math.log(2 * 4 * 2) / 4, 6);
    expect(maxLogGap).toBeCloseTo(Math.log(4), 6);
  });

  it('leaves tokens uncorrected whose sampler did not report', () => {
    const samplerLogProbs = Float32Array.of(Number.NaN, Math.log(4), 0, Math.log(0.5), 0, 0);
    const { weights } = importanceWeights({ ...options, samplerLogProbs });
    expect([...weights]).toEqual([1, 1, 0, 1, 1, 0]);
  });

  it('refuses what does not fit', () => {
    expect(() => importanceWeights({ ...options, sequences: 4 })).toThrow(/a mask of 6 for 4 sequences/);
    expect(() => importanceWeights({ ...options, low: 3, high: 2 })).toThrow(/low 3 and high 2/);
  });
});

describe('highEntropyMask', () => {
  it('keeps the most uncertain counted tokens, by hand', () => {
    // Counted entropies 0.1, 0.2, 0.3, 0.4, 0.5: the median is 0.3.
    const entropy = [0.5, 9, 0.1, 0.4, 0.2, 0.3];
    const counted = Uint8Array.of(1, 0, 1, 1, 1, 1);
    expect([...highEntropyMask({ entropy, counted, part: 0.5 })]).toEqual([1, 0, 0, 1, 0, 1]);
    expect([...highEntropyMask({ entropy, counted, part: 1 })]).toEqual([1, 0, 1, 1, 1, 1]);
    // The upper fifth starts at 0.4 + 0.2 · 0.1 = 0.42 by linear interpolation.
    expect([...highEntropyMask({ entropy, counted, part: 0.2 })]).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it('keeps nothing where nothing counts', () => {
    expect([...highEntropyMask({ entropy: [1, 2], counted: Uint8Array.of(0, 0), part: 0.5 })]).toEqual([
      0, 0,
    ]);
  });
});
