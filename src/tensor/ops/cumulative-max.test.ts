import { expect, it } from 'vitest';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused, evaluate } from '../testing/index.ts';
import { cumulativeMax, multiply, sum } from './index.ts';

it('is the largest counted value so far', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['P', 'T']);
  const counted = graph.input('counted', 'real', ['P', 'T']);
  const { result } = await evaluate(
    graph,
    { result: cumulativeMax(x, counted) },
    {
      x: { data: Float32Array.of(1, 3, 2, 5, 4, /**/ 9, -2, -3, -1, 7), shape: [2, 5] },
      // In the second row the first and the last value do not count.
      counted: { data: Float32Array.of(1, 1, 1, 1, 1, /**/ 0, 1, 1, 1, 0), shape: [2, 5] },
    },
  );
  expect(result.slice(0, 5)).toEqual([1, 3, 3, 5, 5]);
  expect(result.slice(6)).toEqual([-2, -2, -1, -1]);
});

it('sends each gradient to the place that holds the largest value', async () => {
  const graph = new Graph();
  const x = graph.constant(Float32Array.of(1, 3, 2, 5), [1, 4]);
  const counted = graph.constant(Float32Array.of(1, 1, 1, 1), [1, 4]);
  const weights = graph.constant(Float32Array.of(1, 10, 100, 1000), [1, 4]);
  const [gradient] = gradients(sum(multiply(cumulativeMax(x, counted), weights)), [x]);
  // Place 0 holds itself, place 1 holds 1 and 2, place 3 holds itself.
  expect((await evaluate(graph, { gradient })).gradient).toEqual([1, 110, 0, 1000]);
});

it('has the gradient of finite differences, also in float32', async () => {
  const inputs = {
    x: { shape: ['P', 6] },
    counted: { shape: ['P', 6], values: [0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0], differentiate: false },
  };
  const options = { sizes: { P: 2 } };
  await checkGradients((_, { x, counted }) => cumulativeMax(x, counted), inputs, options);
  await compareFused((_, { x, counted }) => cumulativeMax(x, counted), inputs, options);
});

it('says what it takes', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [2, 3]);
  const counted = graph.input('counted', 'real', [3]);
  expect(() => cumulativeMax(x, counted)).toThrow(/cumulativeMax: both must be \[rows, length\]; got/);
});
