import { describe, expect, it } from 'vitest';
import { Graph } from '../graph.ts';
import { checkGradients, evaluate } from '../testing/index.ts';
import { gatherElements, gatherRows } from './index.ts';

describe.each(['int32', 'int64'] as const)('gradients with %s indices', (dtype) => {
  it('gatherRows, rows picked several times or never', async () => {
    await checkGradients(
      (_graph, { table, rows }) => gatherRows(table, rows),
      {
        table: { shape: [4, 3] },
        rows: { shape: ['B', 2], dtype, values: [1, 3, 1, 1, 0, 3] },
      },
      { sizes: { B: 3 } },
    );
    await checkGradients(
      (_graph, { table, rows }) => gatherRows(table, rows),
      {
        table: { shape: ['N'] },
        rows: { shape: ['M'], dtype, values: [2, 2, 0] },
      },
      { sizes: { N: 3, M: 3 } },
    );
    await checkGradients((_graph, { table, rows }) => gatherRows(table, rows), {
      table: { shape: [3, 2, 2] },
      rows: { shape: [], dtype, values: [2] },
    });
  });

  it('gatherRows of rows that are promised to be unique', async () => {
    await checkGradients(
      (_graph, { table, rows }) => gatherRows(table, rows, { unique: true }),
      {
        table: { shape: ['N', 3] },
        rows: { shape: ['M'], dtype, values: [3, 0, 1] },
      },
      { sizes: { N: 5, M: 3 } },
    );
  });

  it('gatherElements, with duplicates along the axis', async () => {
    await checkGradients(
      (_graph, { x, at }) => gatherElements(x, at, 1),
      {
        x: { shape: ['N', 4] },
        at: { shape: ['N', 3], dtype, values: [0, 0, 3, 1, 2, 1] },
      },
      { sizes: { N: 2 } },
    );
    await checkGradients((_graph, { x, at }) => gatherElements(x, at, -2), {
      x: { shape: [3, 2] },
      at: { shape: [1, 2], dtype, values: [2, 0] },
    });
  });
});

it('values', async () => {
  const graph = new Graph();
  const table = graph.input('table', 'real', [3, 2]);
  const rows = graph.input('rows', 'int32', [2]);
  const at = graph.input('at', 'int32', [3, 1]);
  const values = await evaluate(
    graph,
    { rows: gatherRows(table, rows), elements: gatherElements(table, at, 1) },
    { table: Float32Array.of(1, 2, 3, 4, 5, 6), rows: Int32Array.of(2, 0), at: Int32Array.of(0, 1, 0) },
  );
  expect(values).toEqual({ rows: [5, 6, 1, 2], elements: [1, 4, 5] });
});

it('indices of another shape are refused', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 3]);
  expect(() => gatherElements(x, graph.input('at', 'int64', [2, 1]), 1)).toThrow(
    /^gatherElements: all axes but 1 must be equal; got \[B, 3\] and \[2, 1\] \(called at .*gather\.test\.ts/,
  );
});
