import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { multiply, sum, type Tensor } from '../tensor/index.ts';
import { type KlEstimator, klPerToken, klPerTokenTensor } from './kl.ts';
import { createKlController } from './kl-controller.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

const kinds: KlEstimator[] = ['k1', 'k2', 'k3'];

describe('klPerToken', () => {
  it('is by hand, with d = log π − log π_ref = 0.5', () => {
    const one = (estimator: KlEstimator): number =>
      klPerToken({
        logProbs: Float32Array.of(-1),
        referenceLogProbs: Float32Array.of(-1.5),
        counted: Uint8Array.of(1),
        estimator,
      })[0];
    expect(one('k1')).toBeCloseTo(0.5, 6);
    expect(one('k2')).toBeCloseTo(0.125, 6);
    expect(one('k3')).toBeCloseTo(0.6065307 - 1 + 0.5, 6); // e^−0.5 = 0.6065307
  });

  it('is positive for tokens that π likes more than the reference, so the penalty lowers the reward', () => {
    const options = {
      logProbs: Float32Array.of(-0.1, Number.NaN),
      referenceLogProbs: Float32Array.of(-2, 0),
      counted: Uint8Array.of(1, 0),
    };
    const [k1, uncounted] = klPerToken(options);
    expect(k1).toBeGreaterThan(0);
    expect(uncounted).toBe(0);
  });

  // Over all tokens, weighted by π, k1 and k3 give the divergence exactly; k2 does so only to second order.
  it('estimates KL(π ‖ π_ref): k1 and k3 are unbiased', () => {
    const policy = [0.5, 0.3, 0.2];
    const reference = [0.4, 0.4, 0.2];
    const exact = policy.reduce((total, p, i) => total + p * Math.log(p / reference[i]), 0);
    const expectation = (estimator: KlEstimator): number =>
      klPerToken({
        logProbs: Float32Array.from(policy, Math.log),
        referenceLogProbs: Float32Array.from(reference, Math.log),
        counted: new Uint8Array(3).fill(1),
        estimator,
      }).reduce((total, estimate, i) => total + policy[i] * estimate, 0);
    expect(expectation('k1')).toBeCloseTo(exact, 6);
    expect(expectation('k3')).toBeCloseTo(exact, 6);
    expect(expectation('k2')).toBeCloseTo(exact, 2);
    expect(Math.abs(expectation('k2') - exact)).toBeGreaterThan(1e-4);
  });

  it('names the lengths that differ', () => {
    const two = new Float32Array(2);
    expect(() =>
      klPerToken({ logProbs: two, referenceLogProbs: new Float32Array(3), counted: new Uint8Array(2) }),
    ).toThrow(/2 log-probabilities, 3 of the reference and a mask of 2/);
  });
});

describe('klPerTokenTensor', () => {
  const random = new Random(1);
  const draw = (): number[] => Array.from({ length: 4 }, () => -3 * random.uniform());
  const inputs = { a: input(draw()), b: input(draw()), counted: input([1, 1, 0, 1]) };

  it.each(kinds)('%s agrees with the array form and with finite differences', async (estimator) => {
    const build = ({ a, b, counted }: Record<string, Tensor>): Record<string, Tensor> => {
      const kl = klPerTokenTensor({ logProbs: a, referenceLogProbs: b, counted, estimator });
      return { kl, loss: sum(multiply(kl, kl)) };
    };
    const { values } = await evaluate({ inputs, build });
    const expected = klPerToken({
      logProbs: Float32Array.from(inputs.a.data),
      referenceLogProbs: Float32Array.from(inputs.b.data),
      counted: Uint8Array.of(1, 1, 0, 1),
      estimator,
    });
    values.kl.forEach((value, i) => void expect(value).toBeCloseTo(expected[i], 5));
    expect(await gradientGap({ inputs, build, by: ['a', 'b'] })).toBeLessThan(1e-6);
  });
});

describe('createKlController', () => {
  it('keeps a fixed coefficient', () => {
    const controller = createKlController({ kind: 'fixed', coefficient: 0.05 });
    controller.update(100, 512);
    expect(controller.coefficient).toBe(0.05);
  });

  it('follows Ziegler et al. by hand: KL 6.6 for a target of 6, 100 responses, horizon 10,000', () => {
    const controller = createKlController({ kind: 'adaptive', coefficient: 0.15, target: 6 });
    controller.update(6.6, 100); // error 0.1: 0.15 · (1 + 0.1 · 100 / 10,000) = 0.15 · 1.001
    expect(controller.coefficient).toBeCloseTo(0.15015, 12);
    controller.update(600, 100); // error limited to 0.2
    expect(controller.coefficient).toBeCloseTo(0.15015 * 1.002, 12);
    controller.update(-5, 100); // limited to −0.2
    expect(controller.coefficient).toBeCloseTo(0.15015 * 1.002 * 0.998, 12);
  });

  it('comes back from a batch that is large beside the horizon', () => {
    const controller = createKlController({ kind: 'adaptive', coefficient: 0.1, target: 6, horizon: 100 });
    controller.update(0, 512); // 1 − 0.2 · 512 / 100 is below 0: halved
    expect(controller.coefficient).toBeCloseTo(0.05, 12);
    controller.update(60, 512);
    expect(controller.coefficient).toBeCloseTo(0.05 * (1 + (0.2 * 512) / 100), 12);
  });

  it('continues from a saved state', () => {
    const options = { kind: 'adaptive', coefficient: 0.1, target: 2, horizon: 50 } as const;
    const whole = createKlController(options);
    whole.update(3, 10);
    const resumed = createKlController(options, JSON.parse(JSON.stringify(whole.state)));
    whole.update(1, 10);
    resumed.update(1, 10);
    expect(resumed.coefficient).toBe(whole.coefficient);
  });

  it('refuses settings that cannot work, all at once', () => {
    expect(() => createKlController({ kind: 'adaptive', coefficient: 0, target: -1, horizon: 0 })).toThrow(
      /target is -1.*horizon is 0.*stay 0/,
    );
    expect(() => createKlController({ kind: 'fixed', coefficient: -0.1 })).toThrow(/must be ≥ 0/);
  });
});
