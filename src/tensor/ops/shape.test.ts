import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph.ts';
import { checkGradients, evaluate } from '../testing/index.ts';
import { add, concat, multiply, range, split, square, sum, transpose, zeros } from './index.ts';

describe('gradients', () => {
  it('transpose, by any order of axes', async () => {
    const cases = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, order }) => {
        await checkGradients((_graph, { x }) => transpose(x, order), { x: { shape } });
      }),
      { numRuns: 10 },
    );
    await checkGradients((_graph, { x }) => transpose(x, [2, 0, 1]), { x: { shape: ['B', 'T', 2] } });
  });

  it('concat, also of one tensor with itself', async () => {
    await checkGradients((_graph, { x, y }) => concat([x, y, x], 1), {
      x: { shape: ['B', 2, 3] },
      y: { shape: ['B', 1, 3] },
    });
    await checkGradients((_graph, { x, y }) => square(concat([x, y], -1)), {
      x: { shape: [2, 1] },
      y: { shape: [2, 3] },
    });
  });

  it('split, where only some parts are used', async () => {
    await checkGradients(
      (_graph, { x }) => {
        const [a, b, c] = split(x, -1, [1, 2, 1]);
        return add(multiply(b, a), multiply(c, 2));
      },
      { x: { shape: ['B', 4] } },
    );
    await checkGradients((_graph, { x }) => square(split(x, 0, [1, 2])[1]), { x: { shape: [3, 'T'] } });
    await checkGradients((_graph, { x }) => split(x, 0, [3])[0], { x: { shape: [3, 2] } });
  });
});

it('concat and split of parts whose sizes are symbols', async () => {
  await checkGradients(
    (graph, { x, y }) => {
      const both = concat([x, y], 1, graph.sumOfDims(['P', '2*R']));
      const [first, second] = split(square(both), 1, ['P', '2*R']);
      return add(sum(first, { axes: [1] }), multiply(sum(second, { axes: [1] }), 3));
    },
    { x: { shape: ['B', 'P', 2] }, y: { shape: ['B', '2*R', 2] }, like: { shape: ['R'] } },
    { sizes: { B: 2, P: 3, R: 2 } },
  );
});

it('zeros and range know symbolic sizes', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 'T']);
  const values = await evaluate(
    graph,
    { zeros: zeros(x, ['B', 2]), symbolic: range(graph, 'T'), known: range(graph, 3) },
    { x: { data: new Float32Array(8), shape: [2, 4] } },
  );
  expect(values).toEqual({ zeros: [0, 0, 0, 0], symbolic: [0, 1, 2, 3], known: [0, 1, 2] });
});

it('a part of split that nothing uses gets a gradient of zeros', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [4]);
  const [gradient] = gradients(sum(split(x, 0, [1, 3])[0]), [x]);
  expect(await evaluate(graph, { gradient }, { x: new Float32Array(4) })).toEqual({ gradient: [1, 0, 0, 0] });
});

it('shapes that do not fit are refused', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 4]);
  expect(() => transpose(x, [0, 0])).toThrow(
    /^transpose: order \[0, 0\] must name each of the 2 axes once; got \[B, 4\] \(called at .*shape\.test\.ts/,
  );
  expect(() => split(x, 1, [1, 2])).toThrow(/^split: the parts 1 \+ 2 make 3, not axis 1's 4; got \[B, 4\]/);
  expect(() => concat([x, x], 0)).toThrow(
    /^concat: .*axis 0 must have a known size, or the result's be given; got \[B, 4\] and \[B, 4\]/,
  );
  expect(() => concat([x, graph.input('y', 'real', ['T', 4])], 1)).toThrow(
    /^concat: all axes but 1 must be equal/,
  );
});
