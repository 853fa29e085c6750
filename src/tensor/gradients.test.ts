import { describe, expect, it } from 'vitest';
import { gradients } from './gradients.ts';
import { Graph } from './graph.ts';
import {
  add,
  divide,
  exp,
  gatherRows,
  matmul,
  mean,
  multiply,
  square,
  stopGradient,
  sum,
  tanh,
} from './ops/index.ts';
import { checkGradients, evaluate } from './testing/index.ts';

describe('gradients', () => {
  it('add up over every path', async () => {
    // y = tanh(x) is used three times, x itself once more.
    await checkGradients(
      (_graph, { x, w }) => {
        const y = tanh(multiply(x, w));
        return add(add(multiply(y, y), exp(y)), divide(x, add(square(y), 1)));
      },
      { x: { shape: ['B', 3] }, w: { shape: [3] } },
    );
  });

  it('of a target in the middle of the graph', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [2]);
    const y = square(x);
    const [dy, dx] = gradients(sum(multiply(y, x)), [y, x]);
    // L = y · x with y = x²: dL/dy = x, and dL/dx = 3x².
    expect(await evaluate(graph, { dy, dx }, { x: Float32Array.of(2, 3) })).toEqual({
      dy: [2, 3],
      dx: [12, 27],
    });
  });

  it('are zeros for what the loss does not depend on', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', ['B']);
    const other = graph.input('other', 'real', [2, 'B']);
    const stopped = graph.input('stopped', 'real', [3]);
    const loss = add(sum(x), sum(stopGradient(stopped)));
    const [dx, dOther, dStopped] = gradients(loss, [x, other, stopped]);
    const feeds = {
      x: Float32Array.of(5, 6),
      other: { data: new Float32Array(4), shape: [2, 2] },
      stopped: new Float32Array(3),
    };
    expect(await evaluate(graph, { dx, dOther, dStopped }, feeds)).toEqual({
      dx: [1, 1],
      dOther: [0, 0, 0, 0],
      dStopped: [0, 0, 0],
    });
  });

  it('of the loss itself, and of a loss with axes of size 1', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [1, 1]);
    const [dx, dLoss] = gradients(x, [x, x]);
    expect(await evaluate(graph, { dx, dLoss }, { x: Float32Array.of(7) })).toEqual({ dx: [1], dLoss: [1] });
  });

  it('can be taken twice, for two losses over one graph', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [2]);
    const y = square(x);
    const [first] = gradients(sum(y), [x]);
    const [second] = gradients(mean(multiply(y, y)), [x]);
    // d Σx² = 2x; d (Σx⁴ / 2) = 2x³.
    expect(await evaluate(graph, { first, second }, { x: Float32Array.of(1, 2) })).toEqual({
      first: [2, 4],
      second: [2, 16],
    });
  });

  it('of gradients (second derivatives)', async () => {
    await checkGradients(
      (_graph, { x, w }) => {
        const loss = sum(tanh(matmul(x, w)));
        const [dx] = gradients(loss, [x]);
        return sum(square(dx));
      },
      { x: { shape: ['B', 2] }, w: { shape: [2, 3] } },
    );
  });

  it('skip integers', async () => {
    await checkGradients((_graph, { table, rows }) => square(gatherRows(table, rows)), {
      table: { shape: [3, 2] },
      rows: { shape: [2], dtype: 'int64', values: [2, 2] },
    });
  });

  it('refuse a loss that is no scalar', () => {
    const x = new Graph().input('x', 'real', ['B', 1]);
    expect(() => gradients(x, [x])).toThrow(
      /the loss must be a scalar, got float32\[B, 1\]; sum or average it first/,
    );
  });
});

describe('checkGradients', () => {
  it('finds a wrong rule and says where', async () => {
    const check = checkGradients(
      (graph, { x }) => {
        const y = square(x);
        graph.differentiable([x], [y], ([g]) => [multiply(g!, x)]); // the factor 2 is missing
        return sum(y);
      },
      { x: { shape: [2], values: [3, 0] } },
    );
    await expect(check).rejects.toThrow(
      /1 of 2 values differ .*\n.*d loss\/d x\[0\] at 3: analytic 3, numeric 6\.0*/,
    );
  });

  it('finds NaN', async () => {
    const check = checkGradients((_graph, { x }) => sum(divide(x, x)), { x: { shape: [1], values: [0] } });
    await expect(check).rejects.toThrow(/1 of 1 values differ/);
  });
});
