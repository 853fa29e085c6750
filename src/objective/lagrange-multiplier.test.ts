import { describe, expect, it } from 'vitest';
import { createLagrangeMultiplier } from './lagrange-multiplier.ts';

describe('createLagrangeMultiplier', () => {
  it('moves as worked out by hand', () => {
    const constraint = createLagrangeMultiplier({
      bound: 0.9,
      side: 'atLeast',
      learningRate: 0.5,
      initial: 2,
    });
    expect(constraint.multiplier).toBeCloseTo(2, 12);
    expect(constraint.violation).toBeNaN();
    constraint.update([0.5, 0.7]);
    // mean 0.6, violation 0.3: ln λ = ln 2 + 0.5 · 2 · 0.3 = ln 2 + 0.3
    expect(constraint.violation).toBeCloseTo(0.3, 12);
    expect(constraint.multiplier).toBeCloseTo(2 * Math.exp(0.3), 12);
    constraint.update([1, 1]);
    // window mean (0.5 + 0.7 + 1 + 1) / 4 = 0.8, violation 0.1: ln λ += 0.5 · 2.69972 · 0.1
    expect(constraint.multiplier).toBeCloseTo(2 * Math.exp(0.3 + 0.5 * 2 * Math.exp(0.3) * 0.1), 12);
  });

  it('is pushed the other way by a bound from above', () => {
    const options = { bound: 0.9, learningRate: 0.5, initial: 2 } as const;
    const most = createLagrangeMultiplier({ ...options, side: 'atMost' });
    most.update([0.5, 0.7]);
    expect(most.violation).toBeCloseTo(-0.3, 12);
    expect(most.multiplier).toBeCloseTo(2 * Math.exp(-0.3), 12);
  });

  it('stays within its bounds and forgets what has left the window', () => {
    const constraint = createLagrangeMultiplier({
      bound: 0,
      side: 'atLeast',
      learningRate: 10,
      max: 3,
      min: 0.5,
      window: 2,
    });
    constraint.update([-5, -5]);
    expect(constraint.multiplier).toBeCloseTo(3, 12);
    constraint.update([5, 5, 1]); // the window holds 5 and 1
    expect(constraint.violation).toBe(-3);
    expect(constraint.multiplier).toBeCloseTo(0.5, 12);
  });

  it('measures in deviations where objectives are normalised', () => {
    const constraint = createLagrangeMultiplier({
      bound: 0,
      side: 'atLeast',
      learningRate: 1,
      standardise: true,
    });
    // mean −200, deviation 100 (Bessel, of −300, −200, −100): two deviations short
    constraint.update([-300, -200, -100]);
    expect(constraint.multiplier).toBeCloseTo(Math.exp(1.6094379124341003), 9); // 1·1·2 > ln 5 = 1.609, the greatest
    const gentle = createLagrangeMultiplier({
      bound: 0,
      side: 'atLeast',
      learningRate: 0.1,
      standardise: true,
    });
    gentle.update([-300, -200, -100]);
    expect(gentle.multiplier).toBeCloseTo(Math.exp(0.2), 12);
  });

  it('is not moved by responses to which the objective does not apply', () => {
    const constraint = createLagrangeMultiplier({ bound: 1, side: 'atLeast' });
    constraint.update([Number.NaN, Number.NaN]);
    expect(constraint.state).toEqual({ logMultiplier: 0, recent: [] });
  });

  it('continues from a saved state, through JSON, to the same bits', () => {
    const options = { bound: 0.3, side: 'atMost', learningRate: 0.7, window: 3 } as const;
    const whole = createLagrangeMultiplier(options);
    const first = createLagrangeMultiplier(options);
    whole.update([0.1, 0.9, 0.77]);
    first.update([0.1, 0.9, 0.77]);
    const second = createLagrangeMultiplier(options, JSON.parse(JSON.stringify(first.state)));
    for (const one of [whole, second]) one.update([0.61, Number.NaN, 0.2]);
    expect(second.state).toEqual(whole.state);
    expect(Object.is(second.multiplier, whole.multiplier)).toBe(true);
  });

  it('names all that is wrong with its options', () => {
    const make = (): unknown =>
      createLagrangeMultiplier({ bound: 0, side: 'atLeast', learningRate: 0, initial: 9, window: 0 });
    expect(make).toThrow(/learningRate is 0.*initial is 9, must lie within 0.01 and 5.*window is 0/);
  });
});
