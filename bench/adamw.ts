/**
 * The optimizer's speed beside plain JavaScript's and beside the time that moving the same bytes takes.
 *
 * A step reads gradients twice (norm, update) and reads and writes parameters and both moments once: 32 bytes
 * per parameter. The bound is 32 bytes at the speed of copying an array of that size (8 bytes per float).
 */
import { AdamW, allocateFloats } from '../src/tensor/index.ts';
import { javascriptLoops } from '../src/tensor/optimizer-loops.ts';
import type { Benchmark, BenchmarkSettings, Row } from './benchmark.ts';

/** The fastest of several runs, in nanoseconds per parameter; the first run warms up. */
function measure(count: number, quick: boolean, run: () => void): number {
  const rounds = quick ? 1 : Math.max(9, Math.round(2e8 / count));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    run();
    if (round > 0) best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6) / count;
}

/** 64 tensors of equal size, as a model's are spread over layers. */
function tensorsOf(flat: Float32Array): Map<string, Float32Array> {
  const size = flat.length / 64;
  return new Map(
    Array.from({ length: 64 }, (_, i) => [`tensor ${i}`, flat.subarray(i * size, (i + 1) * size)]),
  );
}

async function bench({ quick }: BenchmarkSettings, millions: number): Promise<Row[]> {
  const count = Math.ceil((millions * 1e6) / 1024) * 1024;
  const random = (): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 1e-2);
  const gradients = tensorsOf(random());
  const [from, to] = [random(), random()];
  const bound = (32 / 8) * measure(count, quick, () => to.set(from));
  const rows: Row[] = [];
  const row = (what: string, nanoseconds: number): void => {
    rows.push({
      what: `${millions} m, ${what}`,
      ratio: bound / nanoseconds,
      of: 'the speed of copying',
      measured: { 'ns per parameter': nanoseconds, 'copying GB/s': 32 / bound },
    });
  };

  for (const [place, flat] of [
    ['in place', allocateFloats(count)],
    ['parameters elsewhere', new Float32Array(count)],
  ] as const) {
    const optimizer = new AdamW(tensorsOf(flat), { maxNorm: 1, weightDecay: 0.01 });
    const step = (batches: number): number =>
      measure(count, quick, () => {
        for (let i = 0; i < batches; i++) optimizer.accumulate(gradients, 1 / batches);
        optimizer.step(1e-4);
      });
    row(`WebAssembly, ${place}`, step(1));
    if (place === 'in place') row('WebAssembly, in place, 2 micro-batches', step(2));
  }
  const [parameters, first, second] = [random(), new Float32Array(count), new Float32Array(count)];
  const flatGradients = random();
  const coefficients = {
    gradientFactor: 1,
    firstRate: 0.1,
    secondDecay: 0.999,
    secondRate: 0.001,
    correction: 1,
    eps: 1e-8,
    stepSize: 1e-4,
    keep: 1,
  };
  const plain = measure(count, quick, () => {
    javascriptLoops.sumOfSquares(flatGradients);
    javascriptLoops.adamw(parameters, first, second, flatGradients, coefficients);
  });
  row('JavaScript, every operation in float32', plain);
  return rows;
}

export const adamw: Benchmark = {
  name: 'adamw',
  title: 'Optimizer',
  note: 'A step of AdamW (norm, clipping, update) beside the time that moving its 32 bytes per parameter takes.',
  cases: {
    '0.15m': (settings) => bench(settings, 0.15),
    '5m': (settings) => bench(settings, 5.3),
  },
};
