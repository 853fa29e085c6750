import { describe, expect, it } from 'vitest';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused, evaluate, type TestInput } from '../testing/index.ts';
import { cumulativeSum, logSoftmax, logSumExp, max, mean, multiply, softmax, sum } from './index.ts';

const shapes: Record<string, TestInput> = {
  'known shape': { shape: [2, 3, 4] },
  'symbolic shape': { shape: ['B', 3, 'T'] },
};
const axes = [{ axes: [0] }, { axes: [-1], keep: true }, { axes: [0, 2] }, { axes: [1, 2], keep: true }, {}];

describe.each(Object.entries(shapes))('gradients, %s', (_, x) => {
  it.each(axes)('mean, max and logSumExp over %o', async (options) => {
    await checkGradients((_graph, inputs) => mean(inputs.x, options), { x });
    await checkGradients((_graph, inputs) => max(inputs.x, options), { x });
    await checkGradients((_graph, inputs) => logSumExp(inputs.x, options), { x });
  });

  it('softmax and logSoftmax', async () => {
    await checkGradients((_graph, inputs) => softmax(inputs.x), { x });
    await checkGradients((_graph, inputs) => logSoftmax(inputs.x), { x });
    await compareFused((_graph, inputs) => multiply(softmax(inputs.x), logSoftmax(inputs.x)), { x });
  });

  it.each([0, 1, -1])('cumulativeSum along axis %i', async (axis) => {
    await checkGradients((_graph, inputs) => cumulativeSum(inputs.x, axis), { x });
    await checkGradients((_graph, inputs) => cumulativeSum(inputs.x, axis, { reverse: true }), { x });
  });
});

it('equal maxima share the gradient evenly', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [2, 4]);
  const weights = graph.constant(Float32Array.of(6, 1), [2]);
  const [gradient] = gradients(sum(multiply(max(x, { axes: [1] }), weights)), [x]);
  const values = await evaluate(
    graph,
    { gradient },
    { x: Float32Array.of(...[2, 2, 2, 1], ...[5, 0, 5, 4]) },
  );
  // As PyTorch's amax: 6/3 for each of three in the first row, 1/2 for each of two in the second.
  expect(values.gradient).toEqual([...[2, 2, 2, 0], ...[0.5, 0, 0.5, 0]]);
});

it('two equal maxima agree with the central difference', async () => {
  await checkGradients((_graph, { x }) => max(x), { x: { shape: [4], values: [3, 1, 3, 2] } });
});

it('folding no axes does nothing', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [2]);
  const outputs = {
    mean: mean(x, { axes: [] }),
    max: max(x, { axes: [] }),
    logSumExp: logSumExp(x, { axes: [] }),
  };
  expect(await evaluate(graph, outputs, { x: Float32Array.of(1, 2) })).toEqual({
    mean: [1, 2],
    max: [1, 2],
    logSumExp: [1, 2],
  });
});

describe('stability in float32', () => {
  const rows = [
    [1e4, -1e4, 0],
    [-1e4, -1e4, -1e4],
    [88, 89, 90],
    [-1e30, 0, 1],
  ];

  it.each([false, true])('of softmax, logSoftmax and logSumExp (portable: %s)', async (portable) => {
    const graph = new Graph({ portable });
    const x = graph.input('x', 'real', [4, 3]);
    const outputs = {
      softmax: softmax(x),
      logSoftmax: logSoftmax(x),
      logSumExp: logSumExp(x, { axes: [-1] }),
    };
    const values = await evaluate(graph, outputs, { x: Float32Array.from(rows.flat()) });
    for (const [i, row] of rows.entries()) {
      const largest = Math.max(...row);
      const total = Math.log(row.reduce((all, value) => all + Math.exp(value - largest), 0));
      expect(values.logSumExp[i] / (largest + total)).toBeCloseTo(1, 6);
      for (const [j, value] of row.entries()) {
        const expected = value - largest - total;
        expect(values.logSoftmax[3 * i + j] / (expected || 1)).toBeCloseTo(expected ? 1 : 0, 5);
        expect(values.softmax[3 * i + j]).toBeCloseTo(Math.exp(expected), 6);
      }
    }
  });
});

it('an axis outside the tensor is refused', () => {
  const x = new Graph().input('x', 'real', ['B', 3]);
  expect(() => mean(x, { axes: [2] })).toThrow(/^mean: axis 2 is outside the tensor's 2 axes; got \[B, 3\]/);
  expect(() => cumulativeSum(x, -3)).toThrow(/^cumulativeSum: axis -3 is outside/);
});
