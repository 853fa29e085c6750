import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { allocateFloats, FloatMemory, scratchFloats } from './float-memory.ts';
import { javascriptLoops, loopsFor, type OptimizerLoops, wasmLoops } from './optimizer-loops.ts';

/** All bits of an array as text: quick to compare. */
const bits = (array: Float32Array): string => Buffer.from(array.slice().buffer).toString('hex');

/** Values of all magnitudes, subnormal ones and zeros of both signs among them. */
function values(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => {
    const kind = random.int(8);
    if (kind === 0) return random.choice([0, -0]);
    if (kind === 1) return random.normal() * 1e-42;
    return random.normal() * 10 ** (random.int(12) - 8);
  });
}

const coefficients = {
  gradientFactor: 0.37,
  firstRate: 1 - 0.9,
  secondDecay: 0.999,
  secondRate: 1 - 0.999,
  correction: 1 / Math.sqrt(1 - 0.999 ** 3),
  eps: 1e-8,
  stepSize: 1e-3 / (1 - 0.9 ** 3),
  keep: 1 - 1e-5,
};

/** Runs all three loops over arrays made by `loops`; parameters and gradients where `place` puts them. */
function runAll(
  loops: OptimizerLoops,
  seed: number,
  length: number,
  place: (values: Float32Array) => Float32Array,
): { arrays: string[]; squares: number } {
  const random = new Random(seed);
  const parameters = place(values(random, length));
  const gradients = values(random, length);
  const [first, second, sum] = [0, 1, 2].map(() => loops.allocate(length));
  first.set(values(random, length));
  second.set(values(random, length).map(Math.abs));
  sum.set(values(random, length));
  loops.accumulate(sum, gradients, 0.3);
  loops.adamw(parameters, first, second, gradients, coefficients);
  loops.adamw(parameters, first, second, sum, coefficients);
  return { arrays: [parameters, first, second, sum].map(bits), squares: loops.sumOfSquares(sum) };
}

describe('the optimizer loops', () => {
  const lengths = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 70 }) },
    { weight: 1, arbitrary: fc.constantFrom(scratchFloats - 1, scratchFloats, 2 * scratchFloats + 3) },
  );

  it('give the same bits in WebAssembly and in JavaScript, wherever the parameters lie', () => {
    fc.assert(
      fc.property(lengths, fc.integer(), fc.boolean(), (length, seed, inPlace) => {
        const memory = FloatMemory.create([length, length, length, length])!;
        const place = (array: Float32Array): Float32Array => {
          if (!inPlace) return array;
          const placed = memory.allocate(length);
          placed.set(array);
          return placed;
        };
        const expected = runAll(javascriptLoops, seed, length, (array) => array);
        expect(runAll(wasmLoops(memory), seed, length, place)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('leave the neighbours of an unaligned view alone', () => {
    const flat = allocateFloats(12).fill(7);
    const view = flat.subarray(3, 8);
    const loops = loopsFor([view], [5, 5, 5]);
    expect(loops.kind).toBe('wasm');
    const [first, second] = [loops.allocate(5), loops.allocate(5)];
    loops.adamw(view, first, second, new Float32Array(5).fill(1), coefficients);
    expect([...flat].map((value) => value === 7)).toEqual([
      ...[true, true, true],
      ...[false, false, false, false, false],
      ...[true, true, true, true],
    ]);
  });

  it('sum squares in float64: no overflow, no lost digits', () => {
    for (const loops of [javascriptLoops, wasmLoops(FloatMemory.create([])!)]) {
      expect(loops.sumOfSquares(Float32Array.of(1e30, 1e30))).toBeCloseTo(2e60, -55);
      // 1 + 4·10⁶ · 2⁻²⁶ would stay 1 in float32, where each addend is below half a unit in the last place.
      const tiny = new Float32Array(4_000_001).fill(2 ** -13);
      tiny[0] = 1;
      expect(loops.sumOfSquares(tiny)).toBe(1 + 4_000_000 * 2 ** -26);
      expect(loops.sumOfSquares(Float32Array.of(1, Number.NaN))).toBeNaN();
    }
  });

  it('fall back to JavaScript where 32-bit addresses do not reach', () => {
    expect(FloatMemory.create([2 ** 30])).toBeNull();
    expect(loopsFor([new Float32Array(1)], [2 ** 29, 2 ** 29, 2 ** 29]).kind).toBe('javascript');
  });

  it('use the memory of the parameters while it has room, else a new one', () => {
    const parameters = allocateFloats(100);
    const memory = FloatMemory.of(parameters)!;
    const first = loopsFor([parameters], [100, 100, 100]);
    expect(first.allocate(100).buffer).toBe(parameters.buffer);
    expect(memory.hasRoom([1e6])).toBe(false);
    expect(loopsFor([parameters], [1e6]).allocate(10).buffer).not.toBe(parameters.buffer);
  });
});
