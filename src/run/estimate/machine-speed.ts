/** Measures what this machine does through ONNX Runtime at the sizes of a model: a third of a second when it is idle. */
import { add, Graph, matmul, multiply, Session, sum, type Tensor } from '../../tensor/index.ts';
import type { ModelShape } from './model-shape.ts';
import type { Speed } from './work.ts';

/** Rows of the product that stands for training and scoring. */
const manyRows = 1024;
/** Each measurement takes its best run, for neighbours on the machine only slow it down: … */
const measureMs = 100;
/** … and goes on until one is likely to have been left alone. */
const enoughRuns = 24;
const longestMs = 500;

/**
 * @param options.decodeRows sequences decoded at once
 * @param options.threads    threads of the engine; default: the machine's cores
 */
export async function measureSpeed(
  shape: Pick<ModelShape, 'width' | 'innerWidth'>,
  options: { readonly decodeRows: number; readonly threads?: number },
): Promise<Speed> {
  const { width, innerWidth } = shape;
  const { threads } = options;
  const products = await productSpeed(manyRows, width, innerWidth, threads);
  const decodeProducts = await productSpeed(options.decodeRows, width, innerWidth, threads);
  return { products, decodeProducts, elements: await elementSpeed(threads) };
}

/** [rows, width] times [width, inner], in operations per second. */
async function productSpeed(rows: number, width: number, inner: number, threads?: number): Promise<number> {
  const graph = new Graph();
  const a = graph.input('a', 'real', [rows, width]);
  const b = graph.input('b', 'real', [width, inner]);
  const feeds = { a: new Float32Array(rows * width).fill(0.5), b: new Float32Array(width * inner).fill(0.5) };
  const seconds = await bestRun(graph, matmul(a, b), feeds, threads);
  return (2 * rows * width * inner) / seconds;
}

/** Eight operators in a row over 4 MB arrays, in elements per second. */
async function elementSpeed(threads?: number): Promise<number> {
  const graph = new Graph();
  const size = 1024 * 1024;
  const start = graph.input('x', 'real', [1024, 1024]);
  let x = start;
  const operators = 8;
  for (let i = 0; i < operators; i++) x = i % 2 ? add(x, start) : multiply(x, start);
  const seconds = await bestRun(graph, x, { x: new Float32Array(size).fill(0.5) }, threads);
  return (operators * size) / seconds;
}

async function bestRun(
  graph: Graph,
  result: Tensor,
  feeds: Record<string, Float32Array>,
  threads?: number,
): Promise<number> {
  // One number comes back, so that copying the result out of the engine is not measured.
  const session = await Session.create(graph, { out: sum(result, { axes: [0, 1] }) }, { threads });
  await session.run(feeds);
  let best = Number.POSITIVE_INFINITY;
  const begun = performance.now();
  for (let runs = 1, now = begun; ; runs++) {
    await session.run(feeds);
    const ended = performance.now();
    best = Math.min(best, ended - now);
    now = ended;
    if (now - begun > (runs < enoughRuns ? longestMs : measureMs)) break;
  }
  await session.release();
  return best / 1000;
}
