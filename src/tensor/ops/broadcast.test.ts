import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph } from '../graph.ts';
import { checkGradients, evaluate } from '../testing/index.ts';
import { expand, multiply, reshape, sum } from './index.ts';

describe('gradients', () => {
  it('sum, over any axes of any shape', async () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axes: fc.subarray([...shape.keys()], { minLength: 1 }),
        negative: fc.boolean(),
        keep: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, axes, negative, keep }) => {
        const named = negative ? axes.map((axis) => axis - shape.length) : axes;
        await checkGradients((_graph, { x }) => sum(x, { axes: named, keep }), { x: { shape } });
      }),
      { numRuns: 10 },
    );
  });

  it('sum, with symbolic axes folded and kept', async () => {
    await checkGradients((_graph, { x }) => sum(x, { axes: [0] }), { x: { shape: ['B', 2, 'T'] } });
    await checkGradients((_graph, { x }) => sum(x, { axes: [-1], keep: true }), {
      x: { shape: ['B', 2, 'T'] },
    });
    await checkGradients((_graph, { x }) => sum(x), { x: { shape: ['B', 'T'] } });
  });

  it('expand', async () => {
    await checkGradients((_graph, { x }) => expand(x, [2, 3, 4]), { x: { shape: [3, 1] } });
    await checkGradients((_graph, { x }) => expand(x, ['B', 2, 3]), { x: { shape: ['B', 1, 3] } });
    await checkGradients((_graph, { x, y }) => multiply(expand(x, ['B', 'T']), y), {
      x: { shape: [] },
      y: { shape: ['B', 'T'] },
    });
  });

  it('reshape, with none, one and two symbolic dimensions', async () => {
    await checkGradients((_graph, { x }) => reshape(x, [3, -1]), { x: { shape: [2, 6] } });
    await checkGradients((_graph, { x }) => reshape(x, [-1, 2]), { x: { shape: ['B', 4] } });
    await checkGradients((_graph, { x }) => reshape(reshape(x, ['B*T', 2]), ['B', 2, 'T']), {
      x: { shape: ['B', 'T', 2] },
    });
    await checkGradients((_graph, { x }) => reshape(x, []), { x: { shape: [1, 1] } });
  });
});

describe('shapes', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 'T', 4]);

  it('are worked out symbolically', () => {
    expect(reshape(x, [-1, 4]).shape).toEqual(['B*T', 4]);
    expect(reshape(x, ['B', -1]).shape).toEqual(['B', '4*T']);
    expect(reshape(x, ['T*4*B']).shape).toEqual(['4*B*T']);
    expect(reshape(x, ['B', 'T', 4])).toBe(x);
    expect(sum(x, { axes: [1] }).shape).toEqual(['B', 4]);
    expect(sum(x, { axes: [-1], keep: true }).shape).toEqual(['B', 'T', 1]);
    expect(sum(x).shape).toEqual([]);
  });

  it('are refused where the number of values differs', () => {
    expect(() => reshape(x, ['B', 'T', 5])).toThrow(
      /^reshape: cannot become \[B, T, 5\]: the number of values differs; got \[B, T, 4\] \(called at .*broadcast\.test/,
    );
    expect(() => reshape(x, ['B', 3, -1])).toThrow(/-1 has no whole size/);
    expect(() => sum(x, { axes: [3] })).toThrow(
      /^sum: axis 3 is outside the tensor's 3 axes; got \[B, T, 4\]/,
    );
  });
});

it('sums no axes by doing nothing, which ONNX would take for all', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [2]);
  expect(await evaluate(graph, { y: sum(x, { axes: [] }) }, { x: Float32Array.of(1, 2) })).toEqual({
    y: [1, 2],
  });
});
