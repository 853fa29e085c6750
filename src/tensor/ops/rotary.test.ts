import { describe, expect, it } from 'vitest';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused, evaluate } from '../testing/index.ts';
import { rotary, rotaryTable } from './index.ts';

const heads = 2;
const headWidth = 6;
// B = 2 rows of T = 3 tokens; the second row has two documents.
const positions = [0, 1, 2, /**/ 0, 0, 1];
const inputs = {
  x: { shape: ['B', 'T', heads * headWidth] },
  positions: { shape: ['B', 'T'], dtype: 'int32' as const, values: positions },
};
const sizes = { sizes: { B: 2, T: 3 } };

describe.each([
  ['all of each head', [1, 0.1, 0.01], 1],
  ['the leading two thirds of each head', [1, 0.3], 1],
  ['with an attention factor', [1, 0.1, 0.01], 1.2],
  ['partial, with an attention factor', [0.7], 0.8],
])('rotary on %s', (_, frequencies, factor) => {
  it('has the right gradient, plain and fused', async () => {
    const build: Parameters<typeof checkGradients<'x' | 'positions'>>[0] = (_graph, { x, positions: at }) =>
      rotary(x, rotaryTable(at, frequencies, factor), { heads });
    await checkGradients(build, inputs, sizes);
    await compareFused(build, inputs, sizes);
  });

  it('turns each pair (i, i + R/2) by position · frequency', async () => {
    const x = Float32Array.from({ length: 6 * heads * headWidth }, (_, i) => Math.sin(7 * i));
    const half = frequencies.length;
    const expected = Array.from(x);
    positions.forEach((position, token) => {
      for (let head = 0; head < heads; head++) {
        const start = (token * heads + head) * headWidth;
        frequencies.forEach((frequency, i) => {
          const [a, b] = [x[start + i], x[start + i + half]];
          const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
          expected[start + i] = factor * (a * cos - b * sin);
          expected[start + i + half] = factor * (b * cos + a * sin);
        });
      }
    });
    for (const portable of [false, true]) {
      const graph = new Graph({ portable });
      const tensor = graph.input('x', 'real', ['B', 'T', heads * headWidth]);
      const at = graph.input('positions', 'int64', ['B', 'T']);
      const { y } = await evaluate(
        graph,
        { y: rotary(tensor, rotaryTable(at, frequencies, factor), { heads }) },
        {
          x: { data: x, shape: [2, 3, heads * headWidth] },
          positions: { data: BigInt64Array.from(positions, BigInt), shape: [2, 3] },
        },
      );
      for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 5);
    }
  });
});

it('heads that are too narrow are refused', () => {
  const graph = new Graph();
  const table = rotaryTable(graph.input('positions', 'int32', ['B', 'T']), [1, 0.5]);
  expect(() => rotary(graph.input('x', 'real', ['B', 'T', 6]), table, { heads: 2 })).toThrow(
    /^rotary: the last axis must be 2 heads of at least 4 dimensions; got \[B, T, 6\]/,
  );
});
