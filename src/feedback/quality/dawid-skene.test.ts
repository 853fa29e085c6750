import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { dawidSkene, type Vote } from './dawid-skene.ts';

/** Dawid and Skene 1979, table 1: 45 patients by five anaesthetists, of whom the first judged three times. */
const patients = `111 1111, 333 4334, 112 2122, 222 3121, 222 3222, 222 3322, 122 2111, 333 3433, 222 2223, 232 2223,
  444 4444, 222 3343, 111 1111, 222 3212, 121 1111, 111 2111, 111 1111, 111 1111, 222 2221, 222 1322,
  222 2222, 222 2221, 222 3222, 221 2222, 111 1111, 111 1111, 232 2222, 111 1111, 111 1111, 112 1121,
  111 1111, 333 3233, 111 1111, 222 2222, 222 3232, 433 4343, 221 2232, 232 3233, 333 3432, 111 1111,
  111 1111, 121 2111, 232 2222, 121 1111, 222 2222`;

const anaesthetists: Vote[] = patients.split(',').flatMap((row, item) =>
  [...row.replace(/\s/g, '')].map((value, place) => ({
    ...{ item, judge: Math.max(0, place - 2), value: Number(value) - 1 },
  })),
);

describe('dawidSkene', () => {
  it('finds what Dawid and Skene 1979 print for the anaesthetists', () => {
    const { classes, errors, truths, converged } = dawidSkene(anaesthetists, {
      ...{ items: 45, judges: 5, classes: 4, tolerance: 1e-9 },
    });
    expect(converged).toBe(true);
    // Their table 2: how usual the classes are.
    expect([...classes].map((share) => share.toFixed(2))).toEqual(['0.40', '0.42', '0.11', '0.07']);
    // Their table 2, first observer: classes 1 and 2.
    expect([...errors[0][0]].map((rate) => rate.toFixed(2))).toEqual(['0.89', '0.11', '0.00', '0.00']);
    expect([...errors[0][1]].map((rate) => rate.toFixed(2))).toEqual(['0.07', '0.88', '0.05', '0.00']);
    // Patient 1 was put into class 1 by all.
    expect(truths[0][0]).toBeCloseTo(1, 6);
  });

  it('finds the error rates of simulated judges, one of whom always says the same', () => {
    const random = new Random(4);
    const right = [0.95, 0.8, 0.6];
    const votes: Vote[] = [];
    for (let item = 0; item < 1500; item++) {
      const truth = random.int(2);
      for (const [judge, p] of right.entries()) {
        votes.push({ item, judge, value: random.uniform() < p ? truth : 1 - truth });
      }
      votes.push({ item, judge: 3, value: 0 });
    }
    const { errors } = dawidSkene(votes, { items: 1500, judges: 4, classes: 2 });
    for (const [judge, p] of right.entries()) {
      expect((errors[judge][0][0] + errors[judge][1][1]) / 2).toBeCloseTo(p, 1);
    }
    expect(errors[3][1][0]).toBe(1);
  });

  it('makes nobody perfect by a prior', () => {
    const votes = [{ item: 0, judge: 0, value: 1 }];
    const prior = [
      [3, 1],
      [1, 3],
    ]; // 4 of 5 where it said what is true, 1 + 3 and 1.
    const { errors, truths } = dawidSkene(votes, {
      items: 2,
      judges: 2,
      classes: 2,
      prior,
      maxIterations: 1,
    });
    expect(errors[0][1][1]).toBeCloseTo(4 / 5, 12);
    expect(errors[1][1][1]).toBeCloseTo(3 / 4, 12);
    expect([...truths[1]]).toEqual([0, 1]);
    expect(() => dawidSkene([], { items: 0, judges: 0, classes: 2 })).toThrow('no votes');
  });
});
