/**
 * The optimizer's speed: nanoseconds per parameter, beside plain JavaScript and beside the time that moving the
 * same bytes takes (`npx tsx bench/adamw.ts [million parameters]`).
 *
 * A step reads gradients twice (norm, update) and reads and writes parameters and both moments once: 32 bytes
 * per parameter. The bound is 32 bytes at the speed of copying an array of that size (8 bytes per float).
 */
import { AdamW, allocateFloats } from '../src/tensor/index.ts';
import { javascriptLoops } from '../src/tensor/optimizer-loops.ts';

/** The fastest of several runs, in nanoseconds per parameter; the first run warms up. */
function measure(count: number, run: () => void): number {
  const rounds = Math.max(9, Math.round(2e8 / count));
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

function row(name: string, nanoseconds: number, bound: number): void {
  const share = `${Math.round((100 * bound) / nanoseconds)} %`;
  console.log(`  ${name.padEnd(44)} ${nanoseconds.toFixed(2).padStart(6)} ${share.padStart(8)}`);
}

function bench(count: number): void {
  const random = (): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 1e-2);
  const gradients = tensorsOf(random());
  const [from, to] = [random(), random()];
  const bound = (32 / 8) * measure(count, () => to.set(from));
  console.log(
    `${(count / 1e6).toFixed(1)} million parameters; copying moves ${((8 * 4) / bound).toFixed(1)} GB/s`,
  );
  console.log(`  ${'step (norm, clipping, update)'.padEnd(44)}     ns  of bound`);

  for (const [place, flat] of [
    ['in place', allocateFloats(count)],
    ['parameters elsewhere', new Float32Array(count)],
  ] as const) {
    const optimizer = new AdamW(tensorsOf(flat), { maxNorm: 1, weightDecay: 0.01 });
    const step = (batches: number): number =>
      measure(count, () => {
        for (let i = 0; i < batches; i++) optimizer.accumulate(gradients, 1 / batches);
        optimizer.step(1e-4);
      });
    row(`WebAssembly, ${place}`, step(1), bound);
    if (place === 'in place') row('WebAssembly, in place, 2 micro-batches', step(2), bound);
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
  const plain = measure(count, () => {
    javascriptLoops.sumOfSquares(flatGradients);
    javascriptLoops.adamw(parameters, first, second, flatGradients, coefficients);
  });
  row('JavaScript, every operation in float32', plain, bound);
}

const asked = Number(process.argv[2]);
for (const millions of asked ? [asked] : [0.15, 5.3]) bench(Math.ceil((millions * 1e6) / 1024) * 1024);
