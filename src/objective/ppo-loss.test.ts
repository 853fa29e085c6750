import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type PpoOptions, type PpoPolicyOptions, ppoLoss, ppoPolicyLoss, ppoValueLoss } from './ppo-loss.ts';
import { evaluate, gradientGap, input, type TestInput } from './testing/evaluate.ts';

type Tensors = Record<string, Tensor>;

describe('ppoPolicyLoss', () => {
  // Ratios 1.5, 0.5, 1.1 with advantages 1, −1, 2; the fourth token is padding.
  //   −1.5 against −1.2 → −1.2 (clipped); 0.5 against 0.8 → 0.8 (clipped); −2.2 → −2.2. Mean −2.6 / 3.
  const inputs = {
    logProbs: input([[Math.log(0.75), Math.log(0.25), Math.log(0.55), Number.NaN]]),
    oldLogProbs: input([[Math.log(0.5), Math.log(0.5), Math.log(0.5), 3]]),
    advantages: input([[1, -1, 2, Number.POSITIVE_INFINITY]]),
    counted: input([[1, 1, 1, 0]]),
  };
  const buildWith =
    (options: Partial<PpoPolicyOptions>) =>
    ({ logProbs, oldLogProbs, advantages, counted }: Tensors): Tensors => {
      const { loss, metrics } = ppoPolicyLoss({ logProbs, oldLogProbs, advantages, counted, ...options });
      return { loss, ...metrics };
    };
  const build = buildWith({});

  it('is by hand, with metrics over counted tokens only', async () => {
    const { scalars, gradients } = await evaluate({ inputs, build, by: ['logProbs'] });
    expect(scalars.loss).toBeCloseTo(-2.6 / 3, 6);
    expect(scalars.clipFraction).toBeCloseTo(2 / 3, 6);
    expect(scalars.ratioMean).toBeCloseTo(3.1 / 3, 6);
    // ½ (ln 1.5)² = 0.0822010, ½ (ln 0.5)² = 0.2402265, ½ (ln 1.1)² = 0.0045420
    expect(scalars.approxKl).toBeCloseTo((0.082201 + 0.2402265 + 0.004542) / 3, 6);
    // ρ − 1 − ln ρ: 0.5 − 0.4054651, −0.5 + 0.6931472, 0.1 − 0.0953102
    expect(scalars.approxKlK3).toBeCloseTo((0.0945349 + 0.1931472 + 0.0046898) / 3, 6);
    // Only the third token's ratio still moves the loss: −ρ A / 3.
    [0, 0, -2.2 / 3, 0].forEach((expected, i) => void expect(gradients.logProbs[i]).toBeCloseTo(expected, 6));
  });

  it('does not dilute any statistic by padding', async () => {
    const wide = (values: number[], fill: number): TestInput =>
      input([[...values, ...new Array(6).fill(fill)]]);
    const bare = (await evaluate({ inputs, build })).scalars;
    const padded = await evaluate({
      inputs: {
        logProbs: wide([...inputs.logProbs.data], -9),
        oldLogProbs: wide([...inputs.oldLogProbs.data], -1),
        advantages: wide([...inputs.advantages.data], 5),
        counted: wide([...inputs.counted.data], 0),
      },
      build,
    });
    expect(padded.scalars).toEqual(bare);
  });

  it('limits the loss of negative advantages with dual clip, by hand', async () => {
    // A = −1: ρ = 10 costs 10, at most 3 · 1; ρ = 2 costs 2, under the limit; A = 1 is never limited.
    const { scalars, gradients } = await evaluate({
      inputs: {
        logProbs: input([Math.log(10), Math.log(2), Math.log(0.1)]),
        oldLogProbs: input([0, 0, 0]),
        advantages: input([-1, -1, 1]),
        counted: input([1, 1, 1]),
      },
      build: buildWith({ dualClip: 3 }),
      by: ['logProbs'],
    });
    expect(scalars.loss).toBeCloseTo((3 + 2 - 0.1) / 3, 6);
    expect(scalars.clipFraction).toBeCloseTo(1 / 3, 6);
    [0, 2 / 3, -0.1 / 3].forEach(
      (expected, i) => void expect(gradients.logProbs[i]).toBeCloseTo(expected, 6),
    );
  });

  it('lets good tokens grow further with a higher upper clip', async () => {
    const { scalars } = await evaluate({ inputs, build: buildWith({ clipRangeHigh: 0.28 }) });
    expect(scalars.loss).toBeCloseTo((-1.28 + 0.8 - 2.2) / 3, 6);
  });

  it('refuses clip ranges that cannot be meant', () => {
    const none = {} as PpoPolicyOptions;
    expect(() => ppoPolicyLoss({ ...none, clipRange: 1.2 })).toThrow(/clipRange 1.2 must lie in \(0, 1\)/);
    expect(() => ppoPolicyLoss({ ...none, dualClip: 0.5 })).toThrow(/dualClip 0.5 must be above 1/);
  });
});

describe('ppoValueLoss', () => {
  it('calls nothing clipped within the range, where rounding makes v_old + (v − v_old) another number than v', async () => {
    const random = new Random(2);
    const draw = (): number[] => Array.from({ length: 200 }, () => random.normal());
    const oldValues = draw();
    const { scalars } = await evaluate({
      inputs: {
        values: input(oldValues.map((value) => value + 0.3 * (random.uniform() - 0.5))),
        oldValues: input(oldValues),
        returns: input(draw()),
        counted: input(oldValues.map(() => 1)),
      },
      build: ({ values, oldValues, returns, counted }) => {
        const { loss, metrics } = ppoValueLoss({ values, oldValues, returns, counted });
        return { loss, ...metrics };
      },
      precision: 'float32',
    });
    expect(scalars.valueClipFraction).toBe(0);
  });

  // Token 1: (1 − 2)² = 1, held near 0.5 + 0.2 = 0.7: 1.69 (clipped). Token 2: (3 − 2)² = 1, near 1.2: 0.64.
  const inputs = {
    values: input([1, 3, Number.NaN]),
    oldValues: input([0.5, 1, 0]),
    returns: input([2, 2, 50]),
    counted: input([1, 1, 0]),
  };
  const buildWith =
    (valueClipRange?: number | null) =>
    ({ values, oldValues, returns, counted }: Tensors): Tensors => {
      const { loss, metrics } = ppoValueLoss({ values, oldValues, returns, counted, valueClipRange });
      return { loss, ...metrics };
    };

  it('is by hand', async () => {
    const { scalars, gradients } = await evaluate({ inputs, build: buildWith(), by: ['values'] });
    expect(scalars.loss).toBeCloseTo(0.5 * (2.69 / 2), 6);
    expect(scalars.valueClipFraction).toBe(0.5);
    expect(scalars.valueMean).toBe(2);
    [0, (3 - 2) / 2, 0].forEach((expected, i) => void expect(gradients.values[i]).toBeCloseTo(expected, 6));
  });

  it('is half the mean squared error without clipping', async () => {
    const { scalars } = await evaluate({ inputs, build: buildWith(null) });
    expect(scalars.loss).toBeCloseTo(0.5 * (2 / 2), 6);
    expect(scalars.valueClipFraction).toBe(0);
  });
});

describe('ppoLoss', () => {
  const random = new Random(7);
  const rows = 3;
  const tokens = 5;
  const draw = (scale: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: tokens }, () => scale * random.normal()));
  const mask = [
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
    [1, 0, 0, 0, 0],
  ];
  const inputs = {
    logProbs: input(draw(0.5)),
    oldLogProbs: input(draw(0.5)),
    advantages: input(draw(1)),
    values: input(draw(1)),
    oldValues: input(draw(1)),
    returns: input(draw(1)),
    entropy: input(draw(1)),
    counted: input(mask),
  };
  const settings = {
    clipRange: 0.2,
    clipRangeHigh: 0.3,
    dualClip: 2,
    valueClipRange: 0.4,
    valueCoefficient: 0.3,
    entropyCoefficient: 0.01,
  };
  const build = (tensors: Tensors): Tensors => {
    const { loss, metrics } = ppoLoss({
      ...(tensors as Omit<PpoOptions, keyof typeof settings>),
      ...settings,
    });
    const { entropy: meanEntropy, ...rest } = metrics;
    return { loss, ...rest, ...(meanEntropy ? { meanEntropy } : {}) };
  };

  /** The definition, token by token, in plain JavaScript. */
  function byLoop(): Record<string, number> {
    const at = (name: keyof typeof inputs, i: number): number => inputs[name].data[i];
    const total = { policyLoss: 0, valueLoss: 0, meanEntropy: 0, clipFraction: 0, valueClipFraction: 0 };
    let count = 0;
    for (let i = 0; i < rows * tokens; i++) {
      if (!at('counted', i)) continue;
      count++;
      const ratio = Math.exp(at('logProbs', i) - at('oldLogProbs', i));
      const advantage = at('advantages', i);
      const free = -ratio * advantage;
      let policy = Math.max(free, -Math.min(1.3, Math.max(0.8, ratio)) * advantage);
      if (advantage < 0) policy = Math.min(policy, -2 * advantage);
      total.policyLoss += policy;
      total.clipFraction += policy === free ? 0 : 1;
      const [value, old, target] = [at('values', i), at('oldValues', i), at('returns', i)];
      const near = old + Math.min(0.4, Math.max(-0.4, value - old));
      total.valueLoss += 0.5 * Math.max((value - target) ** 2, (near - target) ** 2);
      total.valueClipFraction += (near - target) ** 2 > (value - target) ** 2 ? 1 : 0;
      total.meanEntropy += at('entropy', i);
    }
    const means = Object.fromEntries(Object.entries(total).map(([name, sum]) => [name, sum / count]));
    return { ...means, loss: means.policyLoss + 0.3 * means.valueLoss - 0.01 * means.meanEntropy };
  }

  it('agrees with the loop form', async () => {
    const { scalars } = await evaluate({ inputs, build });
    for (const [name, expected] of Object.entries(byLoop())) {
      expect(scalars[name], name).toBeCloseTo(expected, 9);
    }
  });

  it('has the gradients of finite differences', async () => {
    const by = ['logProbs', 'values', 'entropy'];
    expect(await gradientGap({ inputs, build, by })).toBeLessThan(1e-6);
  });

  it('adds up over micro-batches of symbolic size, gradients included', async () => {
    const whole = await evaluate({ inputs, build, by: ['logProbs'] });
    const part = async (from: number, to: number): ReturnType<typeof evaluate> => {
      const rowsOf = ({ data, dtype }: TestInput): TestInput => ({
        data: data.slice(from * tokens, to * tokens),
        shape: [to - from, tokens],
        dtype,
      });
      const cut = Object.fromEntries(Object.entries(inputs).map(([name, whole]) => [name, rowsOf(whole)]));
      return evaluate({
        inputs: { ...cut, normaliser: input(9) }, // 5 + 3 + 1 counted tokens in the whole batch
        build,
        by: ['logProbs'],
        shapes: Object.fromEntries(Object.keys(cut).map((name) => [name, ['B', 'T']])),
      });
    };
    const parts = [await part(0, 1), await part(1, 3)];
    for (const [name, value] of Object.entries(whole.scalars)) {
      expect(parts[0].scalars[name] + parts[1].scalars[name], name).toBeCloseTo(value, 9);
    }
    const joined = [...parts[0].gradients.logProbs, ...parts[1].gradients.logProbs];
    whole.gradients.logProbs.forEach((value, i) => void expect(joined[i]).toBeCloseTo(value, 9));
  });

  it('needs entropies for an entropy bonus', () => {
    expect(() => ppoPolicyLoss({ entropyCoefficient: 0.1 } as PpoPolicyOptions)).toThrow(
      /needs the tokens' entropies/,
    );
  });
});
