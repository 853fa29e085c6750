import { describe, expect, it } from 'vitest';
import { learningRateAt, type ScheduleOptions } from './schedule.ts';

const rates = (options: ScheduleOptions, steps: readonly number[]): number[] =>
  steps.map((step) => learningRateAt(step, options));

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i], 14);
}

describe('learningRateAt', () => {
  // lr 1, 4 steps of warm-up, 12 in all: warm-up gives 0, 1/4, 2/4, 3/4; then 8 steps from 1 downwards.
  const common = { lr: 1, warmupSteps: 4, totalSteps: 12 };

  it('rises from 0 and stays level (constant)', () => {
    expectClose(
      rates({ ...common, schedule: 'constant' }, [0, 1, 2, 3, 4, 11, 20]),
      [0, 0.25, 0.5, 0.75, 1, 1, 1],
    );
  });

  it('falls in a straight line to 0 (linear)', () => {
    expectClose(rates({ ...common, schedule: 'linear' }, [0, 3, 4, 5, 8, 11, 12, 13]), [
      0,
      0.75,
      1,
      7 / 8,
      0.5,
      1 / 8,
      0,
      0,
    ]);
  });

  it('falls in half a cosine to 0 (cosine)', () => {
    // At a quarter of the way (step 6): (1 + cos π/4) / 2 = (1 + √½) / 2.
    expectClose(rates({ ...common, schedule: 'cosine' }, [4, 6, 8, 10, 12, 16]), [
      1,
      (1 + Math.SQRT1_2) / 2,
      0.5,
      (1 - Math.SQRT1_2) / 2,
      0,
      0,
    ]);
  });

  it('falls to minLr', () => {
    expectClose(rates({ ...common, schedule: 'linear', minLr: 0.2 }, [4, 8, 12]), [1, 0.6, 0.2]);
    expectClose(rates({ ...common, schedule: 'cosine', minLr: 0.2 }, [4, 8, 12]), [1, 0.6, 0.2]);
    // The warm-up rises from 0 all the same.
    expect(learningRateAt(0, { ...common, schedule: 'cosine', minLr: 0.2 })).toBe(0);
  });

  it('starts at the peak without a warm-up', () => {
    expectClose(rates({ schedule: 'linear', lr: 2, totalSteps: 4 }, [0, 1, 2, 3, 4]), [2, 1.5, 1, 0.5, 0]);
  });

  it('agrees with transformers 5.18.0', () => {
    // get_*_schedule_with_warmup(optimizer with lr 3e-4, 3, 10[, min_lr=3e-5]), scheduler.get_last_lr() before each step.
    const golden = {
      constant: [
        0.0, 9.999999999999999e-5, 0.00019999999999999998, 0.0003, 0.0003, 0.0003, 0.0003, 0.0003, 0.0003,
        0.0003,
      ],
      linear: [
        0.0, 9.999999999999999e-5, 0.00019999999999999998, 0.0003, 0.0002571428571428571,
        0.00021428571428571427, 0.0001714285714285714, 0.00012857142857142855, 8.57142857142857e-5,
        4.285714285714285e-5,
      ],
      cosine: [
        0.0, 9.999999999999999e-5, 0.00019999999999999998, 0.0003, 0.0002851453301853628,
        0.00024352347027881003, 0.00018337814009344714, 0.00011662185990655284, 5.6476529721189974e-5,
        1.4854669814637143e-5,
      ],
      cosineMin: [
        0.0, 9.999999999999999e-5, 0.00019999999999999998, 0.0003, 0.00028663079716682654,
        0.000249171123250929, 0.0001950403260841024, 0.00013495967391589757, 8.082887674907099e-5,
        4.336920283317343e-5,
      ],
    };
    const options = { lr: 3e-4, warmupSteps: 3, totalSteps: 10 };
    const steps = Array.from({ length: 10 }, (_, i) => i);
    const relative = (actual: number[], expected: readonly number[]): void => {
      for (const [i, value] of actual.entries()) expect(value / 3e-4).toBeCloseTo(expected[i] / 3e-4, 12);
    };
    relative(rates({ ...options, schedule: 'constant' }, steps), golden.constant);
    relative(rates({ ...options, schedule: 'linear' }, steps), golden.linear);
    relative(rates({ ...options, schedule: 'cosine' }, steps), golden.cosine);
    relative(rates({ ...options, schedule: 'cosine', minLr: 3e-5 }, steps), golden.cosineMin);
  });

  it('names every option that is out of range', () => {
    expect(() =>
      learningRateAt(-1, { schedule: 'linear', lr: Number.NaN, warmupSteps: 5, totalSteps: 3, minLr: -1 }),
    ).toThrow(/step is -1.*lr is NaN.*minLr is -1.*warmupSteps is 5/);
  });
});
