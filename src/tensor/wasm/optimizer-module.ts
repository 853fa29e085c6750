/** The loops of the optimizer as WebAssembly vector code. Their JavaScript twins stand in `optimizer-loops.ts`. */

import { assemble, defineFunction, f32x4, f64x2, i32, repeatWhile, v128 } from './assemble.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

/** Bytes of four float32 values, which `adamw` and `accumulate` take at a time. */
const vectorBytes = 16;

/**
 * One AdamW update of `parameters`, `first` and `second` in place.
 * All pointers are byte addresses; `end` is where `gradients` ends.
 */
const adamw = defineFunction(
  'adamw',
  {
    parameters: 'i32',
    first: 'i32',
    second: 'i32',
    gradients: 'i32',
    end: 'i32',
    gradientFactor: 'f32',
    firstRate: 'f32',
    secondDecay: 'f32',
    secondRate: 'f32',
    correction: 'f32',
    eps: 'f32',
    stepSize: 'f32',
    keep: 'f32',
  },
  {
    gradientFactors: 'v128',
    firstRates: 'v128',
    secondDecays: 'v128',
    secondRates: 'v128',
    corrections: 'v128',
    epsilons: 'v128',
    stepSizes: 'v128',
    keeps: 'v128',
    g: 'v128',
    m: 'v128',
    v: 'v128',
  },
  (x) => {
    const { add, sub, mul, div, sqrt, splat } = f32x4;
    return [
      x.gradientFactors.set(splat(x.gradientFactor.get)),
      x.firstRates.set(splat(x.firstRate.get)),
      x.secondDecays.set(splat(x.secondDecay.get)),
      x.secondRates.set(splat(x.secondRate.get)),
      x.corrections.set(splat(x.correction.get)),
      x.epsilons.set(splat(x.eps.get)),
      x.stepSizes.set(splat(x.stepSize.get)),
      x.keeps.set(splat(x.keep.get)),
      repeatWhile(
        [
          x.g.set(mul(v128.load(x.gradients.get), x.gradientFactors.get)),
          x.m.set(v128.load(x.first.get)),
          x.m.set(add(x.m.get, mul(sub(x.g.get, x.m.get), x.firstRates.get))),
          x.v.set(
            add(
              mul(v128.load(x.second.get), x.secondDecays.get),
              mul(mul(x.g.get, x.secondRates.get), x.g.get),
            ),
          ),
          v128.store(x.first.get, x.m.get),
          v128.store(x.second.get, x.v.get),
          v128.store(
            x.parameters.get,
            sub(
              mul(v128.load(x.parameters.get), x.keeps.get),
              div(mul(x.m.get, x.stepSizes.get), add(mul(sqrt(x.v.get), x.corrections.get), x.epsilons.get)),
            ),
          ),
          ...[x.parameters, x.first, x.second, x.gradients].map((pointer) =>
            pointer.set(i32.add(pointer.get, i32.const(vectorBytes))),
          ),
        ],
        i32.lessThan(x.gradients.get, x.end.get),
      ),
    ];
  },
);

/** sum = sum + addend · factor; `end` is where `addend` ends. */
const accumulate = defineFunction(
  'accumulate',
  { sum: 'i32', addend: 'i32', end: 'i32', factor: 'f32' },
  { factors: 'v128' },
  (x) => [
    x.factors.set(f32x4.splat(x.factor.get)),
    repeatWhile(
      [
        v128.store(
          x.sum.get,
          f32x4.add(v128.load(x.sum.get), f32x4.mul(v128.load(x.addend.get), x.factors.get)),
        ),
        ...[x.sum, x.addend].map((pointer) => pointer.set(i32.add(pointer.get, i32.const(vectorBytes)))),
      ],
      i32.lessThan(x.addend.get, x.end.get),
    ),
  ],
);

/** Adds the squares of float32 values to 8 float64 sums at `sums`: element i goes to sum i mod 8. */
const sumOfSquares = defineFunction(
  'sumOfSquares',
  { values: 'i32', end: 'i32', sums: 'i32' },
  { a: 'v128', b: 'v128', c: 'v128', d: 'v128', x: 'v128' },
  (x) => {
    const lanes = [x.a, x.b, x.c, x.d];
    return [
      lanes.map((lane, i) => lane.set(v128.load(x.sums.get, 16 * i))),
      repeatWhile(
        [
          lanes.map((lane, i) => [
            x.x.set(f64x2.promoteLow(v128.loadLowHalf(x.values.get, 8 * i))),
            lane.set(f64x2.add(lane.get, f64x2.mul(x.x.get, x.x.get))),
          ]),
          x.values.set(i32.add(x.values.get, i32.const(2 * vectorBytes))),
        ],
        i32.lessThan(x.values.get, x.end.get),
      ),
      lanes.map((lane, i) => v128.store(x.sums.get, lane.get, 16 * i)),
    ];
  },
);

/** The exported functions; counts of elements must be positive, and multiples of 4 (`sumOfSquares`: 8). */
export interface OptimizerExports {
  adamw(
    parameters: number,
    first: number,
    second: number,
    gradients: number,
    end: number,
    gradientFactor: number,
    firstRate: number,
    secondDecay: number,
    secondRate: number,
    correction: number,
    eps: number,
    stepSize: number,
    keep: number,
  ): void;
  accumulate(sum: number, addend: number, end: number, factor: number): void;
  sumOfSquares(values: number, end: number, sums: number): void;
}

/** Compiles the loops over a memory. */
export function instantiateOptimizer(memory: WasmMemory): OptimizerExports {
  const module = new webAssembly.Module(assemble([adamw, accumulate, sumOfSquares]));
  const instance = new webAssembly.Instance(module, { env: { memory } });
  return instance.exports as unknown as OptimizerExports;
}
