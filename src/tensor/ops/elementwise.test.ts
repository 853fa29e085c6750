import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../graph.ts';
import { checkGradients, evaluate, type TestInput } from '../testing/index.ts';
import * as ops from './index.ts';

const positive = [0.3, 0.7, 1, 1.9, 2.5, 4];
const mixed = [-2.1, -0.8, -0.1, 0.2, 0.9, 3];

describe('gradients of unary operators', () => {
  const cases: Record<string, { operator: (x: Tensor) => Tensor; values: readonly number[] }> = {
    negate: { operator: ops.negate, values: mixed },
    exp: { operator: ops.exp, values: mixed },
    log: { operator: ops.log, values: positive },
    sqrt: { operator: ops.sqrt, values: positive },
    abs: { operator: ops.abs, values: mixed },
    sigmoid: { operator: ops.sigmoid, values: mixed },
    tanh: { operator: ops.tanh, values: mixed },
    relu: { operator: ops.relu, values: mixed },
    softplus: { operator: ops.softplus, values: mixed },
    logSigmoid: { operator: ops.logSigmoid, values: mixed },
    erf: { operator: ops.erf, values: mixed },
    square: { operator: ops.square, values: mixed },
    'clip inside and outside': { operator: (x) => ops.clip(x, -1, 1), values: mixed },
    'a number on the left': {
      operator: (x) => ops.divide(ops.subtract(1, x), ops.add(2, x)),
      values: positive,
    },
  };
  it.each(Object.entries(cases))('%s', async (_, { operator, values }) => {
    const report = await checkGradients(
      (_graph, { x }) => operator(x),
      { x: { shape: ['B', 3], values } },
      { sizes: { B: 2 } },
    );
    expect(report.compared).toBe(6);
  });
});

describe('gradients of binary operators', () => {
  const operators = {
    add: ops.add,
    subtract: ops.subtract,
    multiply: ops.multiply,
    divide: (a: Tensor, b: Tensor) => ops.divide(a, ops.add(ops.square(b), 1)),
    maximum: ops.maximum,
    minimum: ops.minimum,
  };
  /** Two shapes that broadcast: each axis of each is full, 1, or (leading axes) missing. */
  const shapePair = fc
    .array(fc.record({ size: fc.integer({ min: 1, max: 3 }), a: fc.boolean(), b: fc.boolean() }), {
      maxLength: 4,
    })
    .chain((axes) =>
      fc.record({
        a: fc.nat(axes.length).map((skip) => axes.slice(skip).map(({ size, a }) => (a ? size : 1))),
        b: fc.nat(axes.length).map((skip) => axes.slice(skip).map(({ size, b }) => (b ? size : 1))),
      }),
    );

  it.each(Object.entries(operators))('%s, on any two shapes that broadcast', async (_, operator) => {
    await fc.assert(
      fc.asyncProperty(shapePair, fc.integer(), async ({ a, b }, seed) => {
        await checkGradients(
          (_graph, { x, y }) => operator(x, y),
          { x: { shape: a }, y: { shape: b } },
          { seed },
        );
      }),
      { numRuns: 8 },
    );
  });

  it.each(Object.entries(operators))('%s, with symbolic dimensions', async (_, operator) => {
    await checkGradients((_graph, { x, y }) => operator(x, y), {
      x: { shape: ['B', 1, 'T'] },
      y: { shape: [2, 1] },
    });
    await checkGradients((_graph, { x, y }) => operator(x, y), {
      x: { shape: ['T'] },
      y: { shape: ['B', 'T'] },
    });
  });

  it.each(Object.entries(operators))('%s of a tensor with itself', async (_, operator) => {
    await checkGradients((_graph, { x }) => operator(x, x), { x: { shape: [4] } });
  });

  it('where, with a mask and branches that broadcast', async () => {
    const inputs: Record<'mask' | 'a' | 'b', TestInput> = {
      mask: { shape: ['B', 1, 3], dtype: 'bool', values: [1, 0, 1, 0, 0, 1] },
      a: { shape: ['B', 2, 3] },
      b: { shape: [3] },
    };
    await checkGradients((_graph, { mask, a, b }) => ops.where(mask, a, b), inputs, { sizes: { B: 2 } });
    await checkGradients(
      (_graph, { mask, a, b }) => ops.add(ops.where(mask, a, 0), ops.where(mask, -1, b)),
      inputs,
      {
        sizes: { B: 2 },
      },
    );
  });

  it('sumOf, with one tensor twice', async () => {
    await checkGradients((_graph, { x, y }) => ops.square(ops.sumOf([x, y, x])), {
      x: { shape: [3] },
      y: { shape: [3] },
    });
  });
});

describe('conventions at kinks', () => {
  /** Value and gradient of Σ operator(x) in float32. */
  async function at(
    operator: (x: Tensor, y: Tensor) => Tensor,
    x: readonly number[],
    y: readonly number[] = x,
  ): Promise<{ x: number[]; y: number[] }> {
    const report = await checkGradients(
      (_graph, inputs) => ops.sum(operator(inputs.x, inputs.y)),
      { x: { shape: [x.length], values: x }, y: { shape: [y.length], values: y } },
      { tolerance: 1 },
    );
    return { x: [...report.gradients.x], y: [...report.gradients.y] };
  }

  // All as PyTorch 2.13: torch.maximum/minimum halve a tie, clamp passes at its limits, relu and abs give 0 at 0.
  it('maximum and minimum give each of two equal values half', async () => {
    expect(await at(ops.maximum, [1, 2, 3], [1, 5, 0])).toEqual({ x: [0.5, 0, 1], y: [0.5, 1, 0] });
    expect(await at(ops.minimum, [1, 2, 3], [1, 5, 0])).toEqual({ x: [0.5, 1, 0], y: [0.5, 0, 1] });
  });

  it('maximum with a number', async () => {
    expect((await at((x) => ops.maximum(x, 0), [-1, 0, 1])).x).toEqual([0, 0.5, 1]);
    expect((await at((x) => ops.minimum(0, x), [-1, 0, 1])).x).toEqual([1, 0.5, 0]);
  });

  it('clip passes the gradient at its limits', async () => {
    expect((await at((x) => ops.clip(x, -1, 1), [-2, -1, 0, 1, 2])).x).toEqual([0, 1, 1, 1, 0]);
  });

  it('relu and abs have slope 0 at 0', async () => {
    expect((await at((x) => ops.relu(x), [-1, 0, 1])).x).toEqual([0, 0, 1]);
    expect((await at((x) => ops.abs(x), [-1, 0, 1])).x).toEqual([-1, 0, 1]);
  });

  it('sign, comparisons and stopGradient pass none', async () => {
    expect((await at((x) => ops.multiply(ops.sign(x), ops.stopGradient(x)), [-2, 3])).x).toEqual([0, 0]);
    expect((await at((x) => ops.toReal(ops.greater(x, 0)), [-2, 3])).x).toEqual([0, 0]);
    // d/dx of x · stop(x) is stop(x).
    expect((await at((x) => ops.multiply(x, ops.stopGradient(x)), [-2, 3])).x).toEqual([-2, 3]);
  });
});

describe('values', () => {
  it('compares, integers as well as real numbers', async () => {
    const graph = new Graph();
    const real = graph.input('real', 'real', [3]);
    const int32 = graph.input('int32', 'int32', [3]);
    const int64 = graph.input('int64', 'int64', [3]);
    const outputs: Record<string, Tensor> = {};
    for (const x of [real, int32, int64]) {
      outputs[`${x.name} greater`] = ops.greater(x, 2);
      outputs[`${x.name} greaterOrEqual`] = ops.greaterOrEqual(x, 2);
      outputs[`${x.name} less`] = ops.less(2, x);
      outputs[`${x.name} equal`] = ops.equal(x, 2);
      outputs[`${x.name} between`] = ops.and(ops.greater(x, 1), ops.not(ops.greater(x, 2)));
    }
    const values = await evaluate(graph, outputs, {
      real: Float32Array.of(1, 2, 3),
      int32: Int32Array.of(1, 2, 3),
      int64: BigInt64Array.of(1n, 2n, 3n),
    });
    for (const name of ['real', 'int32', 'int64']) {
      expect(values[`${name} greater`]).toEqual([0, 0, 1]);
      expect(values[`${name} greaterOrEqual`]).toEqual([0, 1, 1]);
      expect(values[`${name} less`]).toEqual([0, 0, 1]);
      expect(values[`${name} equal`]).toEqual([0, 1, 0]);
      expect(values[`${name} between`]).toEqual([0, 1, 0]);
    }
  });

  it.each([false, true])(
    'logSigmoid and softplus neither overflow nor vanish (portable: %s)',
    async (portable) => {
      const graph = new Graph({ portable });
      const x = graph.input('x', 'real', [6]);
      const inputs = Float32Array.of(-1000, -40, 0, 40, 1000, -20);
      const values = await evaluate(
        graph,
        { logSigmoid: ops.logSigmoid(x), softplus: ops.softplus(x) },
        { x: inputs },
      );
      // log σ(x) = −log(1 + e⁻ˣ): −1000, −40, −log 2, −e⁻⁴⁰, 0 and −20 − log(1 + e⁻²⁰).
      const expected = [-1000, -40, -Math.LN2, -Math.exp(-40), 0, -20 - Math.log1p(Math.exp(-20))];
      expected.forEach((value, i) => {
        expect(Math.abs(values.logSigmoid[i] - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value));
      });
      // softplus(x) = −logSigmoid(−x): 0, e⁻⁴⁰, log 2, 40, 1000, e⁻²⁰.
      [0, Math.exp(-40), Math.LN2, 40, 1000, Math.log1p(Math.exp(-20))].forEach((value, i) => {
        expect(Math.abs(values.softplus[i] - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value));
      });
    },
  );

  it('erf', async () => {
    // Abramowitz and Stegun, table 7.1.
    const expected: [number, number][] = [
      [0, 0],
      [0.5, 0.5204998778],
      [1, 0.8427007929],
      [2, 0.995322265],
      [-1, -0.8427007929],
      [30, 1],
    ];
    for (const precision of ['float32', 'float64'] as const) {
      const graph = new Graph({ precision });
      const x = graph.input('x', 'real', [expected.length]);
      const list = expected.map(([at]) => at);
      const feed = precision === 'float32' ? Float32Array.from(list) : Float64Array.from(list);
      const { y } = await evaluate(graph, { y: ops.erf(x) }, { x: feed });
      for (const [i, [, value]] of expected.entries()) {
        expect(y[i]).toBeCloseTo(value, precision === 'float64' ? 9 : 6);
      }
    }
  });

  it('casts', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [3]);
    const { whole, truth } = await evaluate(
      graph,
      { whole: ops.cast(x, 'int32'), truth: ops.cast(x, 'bool') },
      { x: Float32Array.of(-1.5, 0, 2.9) },
    );
    expect(whole).toEqual([-1, 0, 2]);
    expect(truth).toEqual([1, 0, 1]);
  });
});

describe('errors', () => {
  it('name the operator, the shapes and the line of the caller', () => {
    const graph = new Graph();
    const a = graph.input('a', 'real', ['B', 3]);
    const b = graph.input('b', 'real', ['T', 3]);
    expect(() => ops.add(a, b)).toThrow(
      /^add: shapes do not broadcast .*; got \[B, 3\] and \[T, 3\] \(called at .*elementwise\.test\.ts:\d+:\d+\)?/,
    );
    expect(() => ops.divide(a, graph.input('c', 'real', [2]))).toThrow(/^divide: .*\[B, 3\] and \[2\]/);
    expect(() => ops.where(ops.greater(a, 0), b, 0)).toThrow(/^where: .*\[B, 3\] and \[T, 3\] and \[\]/);
    expect(() => ops.sumOf([a, b])).toThrow(
      /^sumOf: all terms must have one shape; got \[B, 3\] and \[T, 3\]/,
    );
    expect(() => ops.add(1, 2)).toThrow(/at least one operand must be a tensor/);
  });
});
