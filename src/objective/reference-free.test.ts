/** KTO, ORPO, CPO and SimPO: against TRL 1.13.0 on our own small inputs, finite differences and hand arithmetic. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensor/index.ts';
import { type CpoOptions, cpoLoss } from './cpo.ts';
import { type KtoOptions, ktoLoss, ktoReferencePoint } from './kto.ts';
import { type OrpoOptions, orpoLoss } from './orpo.ts';
import { evaluate, gradientGap, input } from './testing/evaluate.ts';

type Tensors = Record<string, Tensor>;
const flat = (loss: Tensor, metrics: object): Tensors => ({ loss, ...(metrics as Tensors) });

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => void expect(Math.abs(actual[i] - value)).toBeLessThan(1e-5));
}

describe('ktoLoss', () => {
  const inputs = {
    logProbs: input([-1.3152308, -1.241154, -1.7692394]),
    referenceLogProbs: input([-1.9, -0.3, -1]),
    desirable: input([1, 0, 1]),
    mismatched: input([-1, -2, -0.5]),
    referenceMismatched: input([-1.5, -1.9, -1.3]),
  };
  const build =
    (settings: Partial<KtoOptions> = {}) =>
    ({ mismatched, referenceMismatched, ...rest }: Tensors): Tensors => {
      const referencePoint = ktoReferencePoint(mismatched, referenceMismatched);
      const { loss, metrics } = ktoLoss({
        ...(rest as never as KtoOptions),
        referencePoint,
        beta: 0.3,
        ...settings,
      });
      return flat(loss, metrics);
    };

  // TRL 1.13.0's KTOTrainer._compute_loss with β 0.3 on a model of two tokens that gives these log-probabilities.
  it('agrees with TRL in loss, gradient and metrics', async () => {
    const { scalars, gradients } = await evaluate({ inputs, build: build(), by: ['logProbs'] });
    expect(scalars.loss).toBeCloseTo(0.4912331, 6);
    // TRL's gradient of the first completion logit is g (1 − p): 0.0155495 / 0.6224593 and so on.
    expectClose(gradients.logProbs, [-0.0155495 / 0.6224593, 0.0170734 / 0.7109495, -0.0167295 / 0.6899745]);
    expect(scalars.kl).toBeCloseTo(0.4, 6);
    expect(scalars.rewardsChosen).toBeCloseTo(-0.0276705, 6);
    expect(scalars.rewardsRejected).toBeCloseTo(-0.2823462, 6);
    expect(scalars.logpsChosen).toBeCloseTo(-1.5422351, 6);
    expect(scalars.logpsRejected).toBeCloseTo(-1.241154, 6);
  });

  it('agrees with TRL when bad responses weigh more', async () => {
    const { scalars } = await evaluate({ inputs, build: build({ undesirableWeight: 1.5 }) });
    expect(scalars.loss).toBeCloseTo(0.5580246, 6);
  });

  it('agrees with TRL where the reference point would be negative, and for apo_zero_unpaired', async () => {
    const negative = { ...inputs, mismatched: input([-3, -2, -0.5]) };
    const { scalars } = await evaluate({ inputs: negative, build: build() });
    expect(scalars.kl).toBe(0);
    expect(scalars.loss).toBeCloseTo(0.4811904, 6);
    const apo = await evaluate({ inputs, build: build({ lossType: 'apo_zero_unpaired' }) });
    expect(apo.scalars.loss).toBeCloseTo(0.4811905, 6);
    expect(apo.scalars.kl).toBeUndefined();
  });

  it('is ½ for every response of a policy that equals its reference', async () => {
    const still = { ...inputs, logProbs: inputs.referenceLogProbs, mismatched: inputs.referenceMismatched };
    expect((await evaluate({ inputs: still, build: build() })).scalars.loss).toBeCloseTo(0.5, 9);
  });

  it('has the gradients of finite differences, and none through the reference point', async () => {
    expect(await gradientGap({ inputs, build: build(), by: ['logProbs'] })).toBeLessThan(1e-6);
    const { gradients } = await evaluate({ inputs, build: build(), by: ['mismatched'] });
    expect(gradients.mismatched).toEqual([0, 0, 0]);
  });

  it('needs its reference point', () => {
    expect(() => ktoLoss({} as KtoOptions)).toThrow(/needs a referencePoint \(missing\)/);
  });
});

describe('orpoLoss', () => {
  const inputs = {
    chosenLogProbs: input([-0.4, -1.3]),
    rejectedLogProbs: input([-0.9, -0.7]),
    chosenCrossEntropy: input(0.5),
  };
  const build = (t: Tensors): Tensors => {
    const { loss, metrics } = orpoLoss({ ...(t as never as OrpoOptions), beta: 0.2 });
    return flat(loss, metrics);
  };

  it('agrees with TRL 1.13.0’s ORPOTrainer.odds_ratio_loss', async () => {
    const by = ['chosenLogProbs', 'rejectedLogProbs'];
    const { scalars, gradients } = await evaluate({ inputs, build, by });
    expect(scalars.loss).toBeCloseTo(0.5 + 0.1580479, 6);
    expectClose(gradients.chosenLogProbs, [-0.0764478, -0.0996266]);
    expectClose(gradients.rejectedLogProbs, [0.0424706, 0.1439672]);
    expect(scalars.logOddsRatio).toBeCloseTo(-0.7902393, 6);
    expect(scalars.logOddsChosen).toBeCloseTo(0.0598208, 6);
    expect(await gradientGap({ inputs, build, by })).toBeLessThan(1e-6);
  });

  it('stays exact for nearly certain responses in float32, and finite for certain ones', async () => {
    // log odds of p = e^−1e-4: log p − log(1 − p) = −1e-4 − log(1e-4 − 0.5e-8) = 9.2102903
    const near = {
      ...inputs,
      chosenLogProbs: input([-1e-4, -1e-4]),
      rejectedLogProbs: input([-Math.LN2, -Math.LN2]),
    };
    const { scalars } = await evaluate({ inputs: near, build, precision: 'float32' });
    expect(scalars.logOddsChosen).toBeCloseTo(9.2102903, 4);
    const certain = { ...inputs, chosenLogProbs: input([0, -40]) };
    expect((await evaluate({ inputs: certain, build, precision: 'float32' })).scalars.loss).toBeLessThan(1e3);
  });
});

describe('cpoLoss', () => {
  const inputs = {
    chosenLogProbs: input([-3.2, -5.1]),
    rejectedLogProbs: input([-4, -4.6]),
    chosenCrossEntropy: input(0.7),
  };
  const by = ['chosenLogProbs', 'rejectedLogProbs'];
  const build =
    (settings: Partial<CpoOptions>) =>
    (t: Tensors): Tensors => {
      const { loss, metrics } = cpoLoss({ ...(t as never as CpoOptions), ...settings });
      return flat(loss, metrics);
    };

  // TRL 1.13.0's CPOTrainer.cpo_loss with β 0.5, label smoothing 0.1 and γ 0.3.
  it.each([
    ['sigmoid', 0.6769773, [-0.0753281, -0.1155441]],
    ['hinge', 0.925, [-0.25, -0.25]],
    ['ipo', 1.145, [-0.2, -1.5]],
    ['simpo', 0.8024446, [-0.0937552, -0.1335339]],
  ] as const)('%s agrees with TRL', async (lossType, loss, gradient) => {
    const settings = { lossType, beta: 0.5, labelSmoothing: 0.1, simpoGamma: 0.3, cpoAlpha: 0 };
    const { scalars, gradients } = await evaluate({ inputs, build: build(settings), by });
    expect(scalars.loss).toBeCloseTo(loss, 6);
    expectClose(gradients.chosenLogProbs, gradient);
    expectClose(
      gradients.rejectedLogProbs,
      gradient.map((value) => -value),
    );
    expect(scalars.rewardsChosen).toBeCloseTo(-2.075, 6);
    expect(scalars.rewardsRejected).toBeCloseTo(-2.15, 6);
    expect(await gradientGap({ inputs, build: build(settings), by })).toBeLessThan(1e-6);
  });

  it('adds the cross-entropy for CPO and leaves it out for SimPO', async () => {
    const preference = (await evaluate({ inputs, build: build({ cpoAlpha: 0 }) })).scalars.loss;
    const whole = (await evaluate({ inputs, build: build({}) })).scalars.loss;
    expect(whole - preference).toBeCloseTo(0.7, 9);
    // SimPO by its defaults: −log σ(2 Δ − 1) with Δ = 0.8 and −0.5.
    const simpo = (await evaluate({ inputs, build: build({ lossType: 'simpo' }) })).scalars.loss;
    expect(simpo).toBeCloseTo((Math.log(1 + Math.exp(-0.6)) + Math.log(1 + Math.exp(2))) / 2, 9);
  });

  it('names everything that is missing', () => {
    expect(() => cpoLoss({ beta: 0, labelSmoothing: 0.6 } as CpoOptions)).toThrow(
      /beta 0 must be above 0; labelSmoothing 0.6.*cpoAlpha 1 needs chosenCrossEntropy/,
    );
  });
});
