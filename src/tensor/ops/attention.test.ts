import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Graph } from '../graph.ts';
import { checkGradients, compareFused, evaluate, type TestBuild } from '../testing/index.ts';
import { attention, causalMask } from './index.ts';

// B = 2 rows of T = 5 tokens: two documents and padding on the right; padding on the left.
const batch = 2;
const length = 5;
const segments = [1, 1, 2, 2, 0, /**/ 0, 0, 1, 1, 1];

interface Layout {
  readonly heads: number;
  readonly kvHeads: number;
  readonly window: number | null;
  readonly scale?: number;
}
const layouts: [string, Layout][] = [
  ['one key head per query head', { heads: 2, kvHeads: 2, window: null }],
  ['grouped heads', { heads: 4, kvHeads: 2, window: null }],
  ['one key head for all', { heads: 2, kvHeads: 1, window: 2 }],
  ['grouped heads, a window and a scale', { heads: 4, kvHeads: 2, window: 3, scale: 0.3 }],
];
const width = 2; // of a head

/** The loop form: for every query token and head, softmax over the tokens it sees. */
function loopForm(q: Float32Array, k: Float32Array, v: Float32Array, layout: Layout): number[] {
  const { heads, kvHeads, window, scale = 1 / Math.sqrt(width) } = layout;
  const result: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      for (let h = 0; h < heads; h++) {
        const kvHead = Math.floor(h / (heads / kvHeads));
        const query = (b * length + i) * heads * width + h * width;
        const keyAt = (j: number): number => (b * length + j) * kvHeads * width + kvHead * width;
        const seen: number[] = [];
        for (let j = 0; j <= i; j++) {
          const sameDocument = segments[b * length + i] === segments[b * length + j];
          if (sameDocument && (window === null || i - j < window)) seen.push(j);
        }
        const weights = seen.map((j) => {
          let score = 0;
          for (let d = 0; d < width; d++) score += q[query + d] * k[keyAt(j) + d];
          return Math.exp(score * scale);
        });
        const total = weights.reduce((a, w) => a + w, 0);
        for (let d = 0; d < width; d++) {
          result.push(seen.reduce((sum, j, n) => sum + (weights[n] / total) * v[keyAt(j) + d], 0));
        }
      }
    }
  }
  return result;
}

describe.each(layouts)('attention, %s', (_, layout) => {
  const inputs = {
    q: { shape: ['B', 'T', layout.heads * width] },
    k: { shape: ['B', 'T', layout.kvHeads * width] },
    v: { shape: ['B', 'T', layout.kvHeads * width] },
    segments: { shape: ['B', 'T'], dtype: 'int32' as const, values: segments },
  };
  const build: TestBuild<keyof typeof inputs> = (_graph, x) =>
    attention(x.q, x.k, x.v, causalMask(x.segments, layout.window), layout);
  const sizes = { sizes: { B: batch, T: length } };

  it('has the right gradient, plain and fused', async () => {
    await checkGradients(build, inputs, sizes);
    await compareFused(build, inputs, sizes);
  });

  it('agrees with the loop form', async () => {
    const random = new Random(5);
    const draw = (heads: number): Float32Array =>
      Float32Array.from({ length: batch * length * heads * width }, () => random.normal());
    const [q, k, v] = [draw(layout.heads), draw(layout.kvHeads), draw(layout.kvHeads)];
    const expected = loopForm(q, k, v, layout);
    for (const portable of [false, true]) {
      const graph = new Graph({ portable });
      const declare = (name: 'q' | 'k' | 'v') => graph.input(name, 'real', inputs[name].shape);
      const tensors = { q: declare('q'), k: declare('k'), v: declare('v') };
      const mask = causalMask(graph.input('segments', 'int32', ['B', 'T']), layout.window);
      const context = attention(tensors.q, tensors.k, tensors.v, mask, layout);
      const shaped = (data: Float32Array) => ({
        data,
        shape: [batch, length, data.length / (batch * length)],
      });
      const { y } = await evaluate(
        graph,
        { y: context },
        {
          q: shaped(q),
          k: shaped(k),
          v: shaped(v),
          segments: { data: Int32Array.from(segments), shape: [batch, length] },
        },
      );
      expect(y).toHaveLength(expected.length);
      for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 5);
    }
  });
});

it('a hidden token has no influence at all, however large', async () => {
  const graph = new Graph();
  const q = graph.input('q', 'real', [1, 3, 2]);
  const k = graph.input('k', 'real', [1, 3, 2]);
  const v = graph.input('v', 'real', [1, 3, 2]);
  const mask = causalMask(graph.input('segments', 'int32', [1, 3]), null);
  const feeds = (last: number) => ({
    q: Float32Array.of(1, 2, 3, 4, 5, 6),
    k: Float32Array.of(1, 0, 0, 1, last, last),
    v: Float32Array.of(1, 2, 3, 4, last, last),
    segments: Int32Array.of(1, 1, 1),
  });
  const outputs = { y: attention(q, k, v, mask, { heads: 1, kvHeads: 1 }) };
  const small = (await evaluate(graph, outputs, feeds(1))).y.slice(0, 4);
  const large = (await evaluate(graph, outputs, feeds(1e6))).y.slice(0, 4);
  expect(large).toEqual(small);
});

it('scores of ±1e4 stay finite', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [1, 3, 1]);
  const mask = causalMask(graph.input('segments', 'int32', [1, 3]), null);
  const { y } = await evaluate(
    graph,
    { y: attention(x, x, x, mask, { heads: 1, kvHeads: 1 }) },
    { x: Float32Array.of(100, -100, 100), segments: Int32Array.of(1, 1, 1) },
  );
  expect(y).toEqual([100, -100, 100]); // each query takes the largest product's value: 100·100, 100·100, 100·100
});

it('heads that do not fit are refused', () => {
  const graph = new Graph();
  const [q, k] = [graph.input('q', 'real', ['B', 'T', 12]), graph.input('k', 'real', ['B', 'T', 4])];
  const mask = causalMask(graph.input('segments', 'int32', ['B', 'T']), null);
  expect(() => attention(q, k, k, mask, { heads: 6, kvHeads: 4 })).toThrow(
    /^attention: must hold 6 query heads and 4 key and value heads of one size; got \[B, T, 12\] and \[B, T, 4\]/,
  );
});
