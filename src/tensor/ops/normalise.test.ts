import { describe, expect, it } from 'vitest';
import type { Shape } from '../dims.ts';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused, evaluate } from '../testing/index.ts';
import { layerNorm, rmsNorm } from './index.ts';

const shapes: Shape[] = [['B', 'T', 5], [2, 5], [5]];

describe.each(shapes.map((shape) => ({ shape })))('gradients over $shape', ({ shape }) => {
  const inputs = {
    x: { shape },
    weight: { shape: [5] },
    bias: { shape: [5] },
  };

  it('rmsNorm', async () => {
    await checkGradients((_graph, { x, weight }) => rmsNorm(x, weight, 1e-5), inputs);
    await compareFused((_graph, { x, weight }) => rmsNorm(x, weight, 1e-5), inputs);
  });

  it('layerNorm', async () => {
    await checkGradients((_graph, { x, weight, bias }) => layerNorm(x, weight, bias, 1e-5), inputs);
    await compareFused((_graph, { x, weight, bias }) => layerNorm(x, weight, bias, 1e-5), inputs);
  });
});

it('eps counts inside the root, where all values are small', async () => {
  // x = (1e-3, …): mean square 1e-6, so x / √(1e-6 + 1e-6) = 1/√2, with and without the mean: layerNorm gives 0.
  for (const portable of [false, true]) {
    const graph = new Graph({ portable });
    const x = graph.input('x', 'real', [1, 4]);
    const weight = graph.constant(Float32Array.of(1, 2, 3, 4), [4]);
    const bias = graph.constant(Float32Array.of(1, 1, 1, 1), [4]);
    const { rms, layer } = await evaluate(
      graph,
      { rms: rmsNorm(x, weight, 1e-6), layer: layerNorm(x, weight, bias, 1e-6) },
      { x: new Float32Array(4).fill(1e-3) },
    );
    for (const [i, value] of rms.entries()) expect(value).toBeCloseTo((i + 1) * Math.SQRT1_2, 5);
    for (const value of layer) expect(value).toBeCloseTo(1, 5);
  }
});

it('a weight of another width is refused', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 4]);
  const weight = graph.input('weight', 'real', [3]);
  expect(() => rmsNorm(x, weight, 1e-5)).toThrow(
    /^rmsNorm: the weight must have one value per element of the last axis; got \[B, 4\] and \[3\] \(called at .*normalise\.test/,
  );
  expect(() => layerNorm(x, weight, weight, 1e-5)).toThrow(/^layerNorm: /);
});
