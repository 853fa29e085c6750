import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Shape } from '../dims.ts';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused } from '../testing/index.ts';
import { linear, type MatmulOptions, matmul } from './index.ts';

const swapIf = (swapped: boolean | undefined, [rows, columns]: Shape): Shape =>
  swapped ? [columns, rows] : [rows, columns];

describe('gradients', () => {
  const flags = fc.record({
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    scale: fc.constantFrom(1, -0.5, 3),
  });
  /** Leading axes that broadcast: [a, b] are full, 1 or missing. */
  const leading = fc.constantFrom<[number[], number[]]>(
    [[], []],
    [[2], [2]],
    [[2], []],
    [[], [3]],
    [[2, 1], [3]],
    [
      [2, 3],
      [1, 3],
    ],
    [
      [1, 2],
      [2, 1],
    ],
  );

  it('with every flag and broadcast leading axes, plain and fused', async () => {
    const size = fc.integer({ min: 1, max: 3 });
    await fc.assert(
      fc.asyncProperty(flags, leading, size, size, size, async (options: MatmulOptions, [a, b], m, k, n) => {
        const inputs = {
          a: { shape: [...a, ...swapIf(options.transposeA, [m, k])] },
          b: { shape: [...b, ...swapIf(options.transposeB, [k, n])] },
        };
        await checkGradients((_graph, { a: x, b: y }) => matmul(x, y, options), inputs);
        await compareFused((_graph, { a: x, b: y }) => matmul(x, y, options), inputs);
      }),
      { numRuns: 25 },
    );
  });

  const everyFlag = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB, scale: 0.5 })),
  );

  it.each(everyFlag)('with symbolic dimensions, %o', async (options) => {
    const inputs = {
      a: { shape: ['B', 1, ...swapIf(options.transposeA, ['T', 3])] },
      b: { shape: [2, ...swapIf(options.transposeB, [3, 'S'])] },
    };
    await checkGradients((_graph, { a, b }) => matmul(a, b, options), inputs);
    await compareFused((_graph, { a, b }) => matmul(a, b, options), inputs);
  });

  it('of a matrix with itself', async () => {
    await checkGradients((_graph, { x }) => matmul(x, x, { transposeB: true }), { x: { shape: [2, 3] } });
    await compareFused((_graph, { x }) => matmul(x, x, { transposeA: true, scale: 2 }), {
      x: { shape: ['B', 3] },
    });
  });

  it('linear, with and without bias', async () => {
    const inputs = { x: { shape: ['B', 'T', 3] }, weight: { shape: [2, 3] }, bias: { shape: [2] } };
    for (const check of [checkGradients, compareFused]) {
      await check((_graph, { x, weight, bias }) => linear(x, weight, bias), inputs);
      await check((_graph, { x, weight }) => linear(x, weight), inputs);
      await check((_graph, { row, weight }) => linear(row, weight, null), {
        row: { shape: [3] },
        weight: { shape: [2, 3] },
      });
    }
  });
});

it('shapes that do not fit are refused, with the flags in the message', () => {
  const graph = new Graph();
  const a = graph.input('a', 'real', ['B', 2, 3]);
  const b = graph.input('b', 'real', [4, 3]);
  expect(() => matmul(a, b)).toThrow(
    /^matmul: the inner sizes 3 and 4 must be equal; got \[B, 2, 3\] and \[4, 3\] \(called at .*matmul\.test\.ts:\d+/,
  );
  expect(() => matmul(a, b, { transposeA: true, transposeB: true })).toThrow(
    /inner sizes 2 and 3 must be equal \(with transposeA, transposeB\)/,
  );
  expect(() => matmul(a, graph.input('c', 'real', ['T', 3, 1]))).toThrow(/leading axes do not broadcast/);
  expect(() => matmul(a, graph.input('d', 'real', [3]))).toThrow(/both operands need at least two axes/);
  expect(matmul(a, b, { transposeB: true }).shape).toEqual(['B', 2, 4]);
});
