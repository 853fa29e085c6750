/**
 * Memory over 1,000 training steps of a small graph: the resident set every 100 steps, which must stay flat.
 * Shapes vary from step to step, as batches do.
 */
import { Random } from '../src/base/index.ts';
import {
  AdamW,
  add,
  allocateFloats,
  Graph,
  gatherRows,
  gelu,
  gradients,
  linear,
  mean,
  negate,
  rmsNorm,
  Session,
  type Tensor,
  tokenLogProbs,
} from '../src/tensor/index.ts';
import type { Benchmark, BenchmarkSettings, Row } from './benchmark.ts';

async function run({ quick, threads }: BenchmarkSettings): Promise<Row[]> {
  const steps = quick ? 20 : 1_000;
  const [vocabulary, width] = [2_000, 128];
  const random = new Random(1);
  const graph = new Graph();
  const shapes: Record<string, readonly number[]> = {
    embedding: [vocabulary, width],
    norm: [width],
    inner: [4 * width, width],
    outer: [width, 4 * width],
  };
  const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const flat = allocateFloats(Object.values(shapes).reduce((total, shape) => total + sizeOf(shape), 0));
  flat.forEach((_, i) => {
    flat[i] = 0.05 * random.normal();
  });
  let offset = 0;
  const parameters = new Map(
    Object.entries(shapes).map(([name, shape]) => [name, flat.subarray(offset, (offset += sizeOf(shape)))]),
  );
  const inputs: Record<string, Tensor> = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, 'real', shape)]),
  );
  const x = gatherRows(inputs.embedding, graph.input('ids', 'int32', ['N']));
  const inner = gelu(linear(rmsNorm(x, inputs.norm, 1e-5), inputs.inner));
  const { logProbs } = tokenLogProbs(
    add(x, linear(inner, inputs.outer)),
    inputs.embedding,
    graph.input('targets', 'int32', ['N']),
  );
  const loss = negate(mean(logProbs));
  const names = [...parameters.keys()];
  const found = gradients(
    loss,
    names.map((name) => inputs[name]),
  );
  const session = await Session.create<string>(
    graph,
    {
      loss,
      ...Object.fromEntries(names.map((name, i) => [name, found[i]])),
    },
    { threads },
  );
  const optimizer = new AdamW(parameters, { maxNorm: 1 });

  const megabytes: number[] = [];
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const count = 256 + random.int(256);
    const ids = Int32Array.from({ length: count }, () => random.int(vocabulary));
    // Each token is followed by its successor: something to learn.
    const targets = ids.map((id) => (id + 1) % vocabulary);
    const { loss: value, ...gradientsFound } = await session.run({
      ...Object.fromEntries(parameters),
      ids,
      targets,
    });
    optimizer.accumulate(
      Object.fromEntries(
        Object.entries(gradientsFound).map(([name, { data }]) => [name, data as Float32Array]),
      ),
    );
    optimizer.step(1e-3);
    if (step % (steps / 10) === 0) {
      megabytes.push(process.memoryUsage.rss() / 2 ** 20);
      losses.push(Number(value.data[0]));
    }
  }
  await session.release();
  const half = megabytes.length / 2;
  const average = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  return [
    {
      what: `resident set, second half of ${steps} steps`,
      ratio: average(megabytes.slice(half)) / average(megabytes.slice(0, half)),
      of: 'the first half',
      target: { below: 1.05 },
      measured: {
        'MB at the end': megabytes.at(-1)!,
        'loss after a tenth': losses[0],
        'loss at the end': losses.at(-1)!,
      },
    },
  ];
}

export const memory: Benchmark = {
  name: 'memory',
  title: 'Memory over a long training',
  note: '1 = flat.',
  cases: { steps: run },
};
