import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';
import { allocateFloats } from './float-memory.ts';

/** Named parameters in one flat buffer, in WebAssembly memory or not. */
function parametersOf(
  values: Readonly<Record<string, readonly number[]>>,
  inPlace = true,
): Map<string, Float32Array> {
  const total = Object.values(values).reduce((sum, { length }) => sum + length, 0);
  const flat = inPlace ? allocateFloats(total) : new Float32Array(total);
  let offset = 0;
  return new Map(
    Object.entries(values).map(([name, list]) => {
      const view = flat.subarray(offset, offset + list.length);
      view.set(list);
      offset += list.length;
      return [name, view];
    }),
  );
}

function normals(seed: number, length: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal());
}

const bits = (array: Float32Array): number[] => [...new Uint32Array(array.slice().buffer)];

/** Parameters and gradients of the PyTorch comparison. */
const initial = { w: [0.5, -1.25, 2, 0, 3.5], b: [1, -0.5] };
const gradientsAt = (t: number): Record<string, Float32Array> => ({
  w: Float32Array.of(0.1 * t, -0.3, 1e-4 * t, 2 / t, -0.05 * t * t),
  b: Float32Array.of(0.7 - 0.2 * t, 0.01),
});

function run(
  parameters: Map<string, Float32Array>,
  options: AdamWOptions,
): { norms: number[]; optimizer: AdamW } {
  const optimizer = new AdamW(parameters, options);
  const norms: number[] = [];
  for (let t = 1; t <= 5; t++) {
    optimizer.accumulate(gradientsAt(t));
    const result = optimizer.step(0.01 * t);
    if (result.applied) norms.push(result.gradientNorm);
  }
  return { norms, optimizer };
}

function expectNear(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(1e-3, Math.abs(value)));
  }
}

describe('AdamW', () => {
  // Expected values: torch 2.13.0 (CPU), torch.optim.AdamW(lr 0.01 · t in step t, foreach=False), five steps with
  // `gradientsAt(t)`; with clipping, torch.nn.utils.clip_grad_norm_ before each step.
  it.each([true, false])('agrees with PyTorch: decay but for one tensor (in place: %s)', (inPlace) => {
    const parameters = parametersOf(initial, inPlace);
    const { optimizer } = run(parameters, { weightDecay: 0.1, noDecay: (name) => name === 'b' });
    expectNear(
      parameters.get('w')!,
      [0.34854063391685486, -1.08220374584198, 1.8261741399765015, -0.12567049264907837, 3.579197406768799],
    );
    expectNear(parameters.get('b')!, [0.9128648638725281, -0.6499998569488525]);
    const { step, firstMoment, secondMoment } = optimizer.state;
    expect(step).toBe(5);
    expectNear(
      firstMoment.subarray(0, 5),
      [
        0.13144099712371826, -0.12285301089286804, 0.0001314410037593916, 0.3431200087070465,
        -0.2513104975223541,
      ],
    );
    expectNear(
      secondMoment.subarray(0, 5),
      [
        0.0005495003424584866, 0.00044910094584338367, 5.495003341238203e-10, 0.005834333132952452,
        0.002446325495839119,
      ],
    );
  });

  it('agrees with PyTorch: decay and clipping to norm 0.5', () => {
    const parameters = parametersOf(initial);
    const { norms, optimizer } = run(parameters, { weightDecay: 0.1, maxNorm: 0.5 });
    expectNear(
      norms,
      [2.0862886905670166, 1.1225417852401733, 0.9149014353752136, 1.0724271535873413, 1.4671742916107178],
    );
    expectNear(
      parameters.get('w')!,
      [0.3536268472671509, -1.0849937200546265, 1.8312695026397705, -0.14029128849506378, 3.57784104347229],
    );
    expectNear(parameters.get('b')!, [0.8946515917778015, -0.638904333114624]);
    expectNear(
      optimizer.state.secondMoment.subarray(0, 5),
      [
        9.909001528285444e-5, 7.977373752510175e-5, 9.9090020910797e-11, 0.0006319792591966689,
        0.0003888600622303784,
      ],
    );
  });

  it('moves by lr against the sign of the first gradient, and decays before it', () => {
    // First step: m/(1−β₁) = g and √(v/(1−β₂)) = |g|, so the move is lr · sign(g) for |g| ≫ eps.
    const parameters = parametersOf({ w: [1, 1, 1] });
    const optimizer = new AdamW(parameters, { weightDecay: 0.5 });
    optimizer.accumulate({ w: Float32Array.of(3, -0.01, 0) });
    optimizer.step(0.1);
    const decayed = 1 - 0.1 * 0.5;
    expectNear(parameters.get('w')!, [decayed - 0.1, decayed + 0.1, decayed]);
  });

  it('continues from a stored state with identical bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 }), (length, stop) => {
        const total = 7;
        const options = { weightDecay: 0.01, maxNorm: 1 };
        const train = (optimizer: AdamW, from: number, to: number): void => {
          for (let t = from; t < to; t++) {
            optimizer.accumulate({ w: normals(t, length) });
            optimizer.step(0.01);
          }
        };
        const whole = parametersOf({ w: [...normals(99, length)] });
        train(new AdamW(whole, options), 0, total);

        const first = parametersOf({ w: [...normals(99, length)] });
        const interrupted = new AdamW(first, options);
        train(interrupted, 0, stop);
        const saved = structuredClone({
          ...interrupted.state,
          firstMoment: interrupted.state.firstMoment.slice(),
          secondMoment: interrupted.state.secondMoment.slice(),
        });
        const second = parametersOf({ w: [...first.get('w')!] }, false);
        const resumed = new AdamW(second, options);
        resumed.restore(saved);
        train(resumed, stop, total);
        expect(bits(second.get('w')!)).toEqual(bits(whole.get('w')!));
      }),
      { numRuns: 20 },
    );
  });

  it('sums micro-batches', () => {
    const names = { w: 37, b: 3 };
    const make = (): Map<string, Float32Array> =>
      parametersOf({ w: [...normals(1, names.w)], b: [...normals(2, names.b)] });
    const batches = [0, 1, 2].map((k) => ({ w: normals(10 + k, names.w), b: normals(20 + k, names.b) }));
    const weights = [0.5, 0.25, 2];
    const whole = {
      w: batches[0].w.map((_, i) => batches.reduce((sum, batch, k) => sum + weights[k] * batch.w[i], 0)),
      b: batches[0].b.map((_, i) => batches.reduce((sum, batch, k) => sum + weights[k] * batch.b[i], 0)),
    };
    const apart = make();
    const together = make();
    const first = new AdamW(apart, { maxNorm: 0.7 });
    const second = new AdamW(together, { maxNorm: 0.7 });
    for (let round = 0; round < 3; round++) {
      for (const [k, batch] of batches.entries()) first.accumulate(batch, weights[k]);
      second.accumulate(whole);
      const a = first.step(0.1);
      const b = second.step(0.1);
      if (!a.applied || !b.applied) throw new Error('an update was refused');
      expect(a.gradientNorm / b.gradientNorm).toBeCloseTo(1, 6);
    }
    for (const name of ['w', 'b']) expectNear(apart.get(name)!, [...together.get(name)!]);
  });

  it('treats k equal micro-batches of weight 1/k as one, bit for bit (k a power of two)', () => {
    const results = [1, 2, 4].map((k) => {
      const parameters = parametersOf({ w: [...normals(3, 21)] });
      const optimizer = new AdamW(parameters);
      for (let i = 0; i < k; i++) optimizer.accumulate({ w: normals(4, 21) }, 1 / k);
      optimizer.step(0.1);
      return bits(parameters.get('w')!);
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('scales the gradients, and so their norm, by gradientScale', () => {
    const make = (): [Map<string, Float32Array>, AdamW] => {
      const parameters = parametersOf({ w: [1, 2] });
      return [parameters, new AdamW(parameters, { maxNorm: 1 })];
    };
    const [scaled, first] = make();
    const [plain, second] = make();
    first.accumulate({ w: Float32Array.of(12, 16) });
    second.accumulate({ w: Float32Array.of(3, 4) });
    expect(first.step(0.1, { gradientScale: 0.25 })).toEqual(second.step(0.1));
    expect(bits(scaled.get('w')!)).toEqual(bits(plain.get('w')!));
    second.accumulate({ w: Float32Array.of(3, 4) });
    expect(second.step(0.1)).toEqual({ applied: true, gradientNorm: 5, clipFactor: 1 / (5 + 1e-6) });
  });

  it('refuses gradients that are not finite, names them, and changes nothing', () => {
    const parameters = parametersOf({ a: [1, 2], b: [3, 4, 5], c: [6] });
    const optimizer = new AdamW(parameters);
    const good = { a: Float32Array.of(1, 1), b: Float32Array.of(1, 1, 1), c: Float32Array.of(1) };
    optimizer.accumulate(good);
    optimizer.step(0.1);
    const before = [...parameters.values()].map(bits);
    const { state } = optimizer;
    const moments = [bits(state.firstMoment), bits(state.secondMoment)];
    const bad = {
      ...good,
      b: Float32Array.of(1, Number.NaN, Number.NEGATIVE_INFINITY),
      c: Float32Array.of(Number.POSITIVE_INFINITY),
    };
    const expected = {
      applied: false,
      nonFinite: [
        { name: 'b', count: 2, firstIndex: 1 },
        { name: 'c', count: 1, firstIndex: 0 },
      ],
    };
    optimizer.accumulate(bad);
    expect(optimizer.step(0.1)).toEqual(expected);
    optimizer.accumulate(good);
    optimizer.accumulate(bad);
    optimizer.accumulate(good);
    expect(optimizer.step(0.1)).toEqual(expected);
    expect([...parameters.values()].map(bits)).toEqual(before);
    expect(optimizer.steps).toBe(1);
    expect([bits(optimizer.state.firstMoment), bits(optimizer.state.secondMoment)]).toEqual(moments);
    // A refused sum leaves no NaN behind for the next one.
    optimizer.accumulate(good);
    optimizer.accumulate(good);
    expect(optimizer.step(0.1).applied).toBe(true);
  });

  it('accepts the largest finite gradients', () => {
    const optimizer = new AdamW(parametersOf({ w: [1, 1] }), { maxNorm: 1 });
    const largest = 3.4028234663852886e38;
    optimizer.accumulate({ w: Float32Array.of(largest, -largest) });
    const result = optimizer.step(0.1);
    expect(result.applied && result.gradientNorm / largest).toBeCloseTo(Math.SQRT2, 6);
  });

  it('names every gradient that does not fit', () => {
    const optimizer = new AdamW(parametersOf({ a: [1], b: [1, 2] }));
    expect(() => optimizer.accumulate({ b: new Float32Array(3), x: new Float32Array(1) })).toThrow(
      /"a" is missing; "b" has 3 values, must have 2; "x" is no parameter/,
    );
    expect(() => optimizer.step(0.1)).toThrow(/no gradients; call accumulate first/);
    expect(() => new AdamW(new Map(), { betas: [0.9, 1], eps: 0, weightDecay: -1, maxNorm: 0 })).toThrow(
      /no parameters.*betas are 0.9, 1.*eps is 0.*weightDecay is -1.*maxNorm is 0/,
    );
    expect(() =>
      optimizer.restore({ step: 1, firstMoment: new Float32Array(2), secondMoment: new Float32Array(3) }),
    ).toThrow(/firstMoment has 2 values, must have 3/);
  });
});
