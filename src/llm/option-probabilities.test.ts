import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionProbabilities, temperedSoftmax } from './option-probabilities.ts';

const option = (ids: number[], probability: number) => ({ ids, logProb: Math.log(probability) });

describe('optionProbabilities', () => {
  it('scales to 1 and tells the mass', () => {
    const { probabilities, mass } = optionProbabilities([option([1], 0.3), option([2], 0.1)], 1);
    expect(probabilities[0]).toBeCloseTo(0.75, 12);
    expect(mass).toBeCloseTo(0.4, 12);
  });

  it('does not count the longer answer for the shorter one that begins it', () => {
    // "1" is said with 0.5, of which 0.2 go on to "10" and of these 0.05 to "100"; "2" with 0.1.
    const options = [option([1], 0.5), option([1, 0], 0.2), option([1, 0, 0], 0.05), option([2], 0.1)];
    const { probabilities, mass } = optionProbabilities(options, 1);
    const own = [0.5 - 0.2, 0.2 - 0.05, 0.05, 0.1];
    expect(mass).toBeCloseTo(0.6, 12);
    probabilities.forEach((p, i) => {
      expect(p).toBeCloseTo(own[i] / 0.6, 12);
    });
  });

  it('keeps numbers far below the smallest double', () => {
    const options = [-2000, -2001].map((logProb, i) => ({ ids: [i], logProb }));
    const { probabilities } = optionProbabilities(options, 1);
    expect(probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
  });

  it('is never negative when rounding makes the longer answer likelier than its beginning', () => {
    const { probabilities } = optionProbabilities([option([1], 0.5), option([1, 2], 0.5000001)], 1);
    expect(probabilities).toEqual([0, 1]);
  });
});

describe('temperedSoftmax', () => {
  it('raises probabilities to 1/temperature', () => {
    const logs = fc.array(fc.double({ min: -9, max: 0, noNaN: true }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(logs, fc.double({ min: 0.2, max: 5, noNaN: true }), (values, temperature) => {
        const powers = values.map((value) => Math.exp(value) ** (1 / temperature));
        const total = powers.reduce((sum, power) => sum + power, 0);
        temperedSoftmax(values, temperature).forEach((p, i) => {
          expect(p).toBeCloseTo(powers[i] / total, 9);
        });
      }),
    );
  });

  it('gives all to the likeliest at temperature 0, in equal shares', () => {
    expect(temperedSoftmax([-1, -3, -1], 0)).toEqual([0.5, 0, 0.5]);
  });
});
