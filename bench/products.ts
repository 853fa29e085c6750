/** The three products of a linear layer's training step, and of the output projection's, as shares of the peak. */
import { Graph, matmul, max, Session, type Tensor } from '../src/tensor/index.ts';
import type { Benchmark, BenchmarkSettings, Row } from './benchmark.ts';
import { medianOf, Yardsticks } from './yardsticks.ts';

/** N tokens, I inputs, O outputs. */
type LayerShape = readonly [tokens: number, inputs: number, outputs: number];

const products: readonly {
  readonly name: string;
  readonly shapes: (layer: LayerShape) => [readonly [number, number], readonly [number, number]];
  readonly build: (a: Tensor, b: Tensor) => Tensor;
}[] = [
  {
    name: 'x · Wᵀ',
    shapes: ([tokens, inputs, outputs]) => [
      [tokens, inputs],
      [outputs, inputs],
    ],
    build: (x, weight) => matmul(x, weight, { transposeB: true }),
  },
  {
    name: 'dY · W',
    shapes: ([tokens, inputs, outputs]) => [
      [tokens, outputs],
      [outputs, inputs],
    ],
    build: (gradient, weight) => matmul(gradient, weight),
  },
  {
    name: 'dYᵀ · x',
    shapes: ([tokens, inputs, outputs]) => [
      [tokens, outputs],
      [tokens, inputs],
    ],
    build: (gradient, x) => matmul(gradient, x, { transposeA: true }),
  },
];

async function measure(settings: BenchmarkSettings, layers: readonly LayerShape[]): Promise<Row[]> {
  const yardsticks = await Yardsticks.create(settings);
  const rows: Row[] = [];
  for (const layer of layers) {
    const gigaflop = (2 * layer[0] * layer[1] * layer[2]) / 1e9;
    for (const { name, shapes, build } of products) {
      const [first, second] = shapes(layer);
      const graph = new Graph();
      const out = build(graph.input('a', 'real', first), graph.input('b', 'real', second));
      const session = await Session.create(graph, { out: max(out, { axes: [1] }) }, settings);
      const data = ([rows, columns]: readonly [number, number]): Float32Array =>
        Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i));
      const feeds = { a: data(first), b: data(second) };
      await session.run(feeds);
      const results = await yardsticks.beside(settings.quick ? 1 : 5, async () => {
        let best = Number.POSITIVE_INFINITY;
        for (let i = 0; i < (settings.quick ? 1 : 4); i++) {
          const start = performance.now();
          await session.run(feeds);
          best = Math.min(best, performance.now() - start);
        }
        return gigaflop / (best / 1000);
      });
      await session.release();
      rows.push({
        what: `${name}, ${layer[0]} tokens, ${layer[1]} to ${layer[2]}`,
        ratio: medianOf(results, ({ result, speed }) => result / speed.gigaflops),
        of: 'the matmul peak',
        measured: { 'GFLOP/s': medianOf(results, ({ result }) => result) },
      });
    }
  }
  await yardsticks.release();
  return rows;
}

export const productsBenchmark: Benchmark = {
  name: 'products',
  title: 'Products of a training step',
  note: 'What the products alone allow a training step to reach; the rest of the step can only take away.',
  cases: {
    '5m': (settings) =>
      measure(settings, [
        [4096, 256, 256],
        [4096, 256, 688],
        [4096, 688, 256],
        [4096, 256, 4096],
      ]),
    '176m': (settings) =>
      measure(settings, [
        [1024, 576, 576],
        [1024, 576, 1536],
        [1024, 1536, 576],
      ]),
  },
};
