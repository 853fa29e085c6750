/**
 * The optimizer's three loops over arrays, as plain JavaScript and as WebAssembly vectors; both round every
 * operation to float32 in the same order, so their results are equal bit for bit.
 */
import { FloatMemory, scratchFloats } from './float-memory.ts';
import { instantiateOptimizer } from './wasm/optimizer-module.ts';

/** The numbers of one AdamW update, the same for all elements of a tensor. */
export interface AdamWCoefficients {
  /** Gradients are multiplied by this first (clipping, weights of micro-batches). */
  readonly gradientFactor: number;
  /** 1 − β₁ */
  readonly firstRate: number;
  /** β₂ */
  readonly secondDecay: number;
  /** 1 − β₂ */
  readonly secondRate: number;
  /** 1 / √(1 − β₂ᵗ) */
  readonly correction: number;
  readonly eps: number;
  /** lr / (1 − β₁ᵗ) */
  readonly stepSize: number;
  /** 1 − lr · weight decay */
  readonly keep: number;
}

/** Arrays of one call have equal lengths. */
export interface OptimizerLoops {
  readonly kind: 'wasm' | 'javascript';
  /** Zeros for moments and sums, where the loops work best. */
  allocate(length: number): Float32Array;
  /** Σ x², in float64: finite for all finite float32 values. */
  sumOfSquares(values: Float32Array): number;
  /** sum ← sum + addend · factor */
  accumulate(sum: Float32Array, addend: Float32Array, factor: number): void;
  /** Updates `parameters`, `first` and `second` in place. */
  adamw(
    parameters: Float32Array,
    first: Float32Array,
    second: Float32Array,
    gradients: Float32Array,
    coefficients: AdamWCoefficients,
  ): void;
}

/** The loops in plain JavaScript; also the reference that the others are tested against. */
export const javascriptLoops: OptimizerLoops = {
  kind: 'javascript',
  allocate: (length) => new Float32Array(length),
  sumOfSquares(values) {
    const sums = new Float64Array(8);
    for (let i = 0; i < values.length; i++) sums[i & 7] += values[i] * values[i];
    return foldSums(sums);
  },
  accumulate(sum, addend, factor) {
    const rounded = Math.fround(factor);
    for (let i = 0; i < sum.length; i++) sum[i] += Math.fround(addend[i] * rounded);
  },
  adamw(parameters, first, second, gradients, coefficients) {
    const gradientFactor = Math.fround(coefficients.gradientFactor);
    const firstRate = Math.fround(coefficients.firstRate);
    const secondDecay = Math.fround(coefficients.secondDecay);
    const secondRate = Math.fround(coefficients.secondRate);
    const correction = Math.fround(coefficients.correction);
    const eps = Math.fround(coefficients.eps);
    const stepSize = Math.fround(coefficients.stepSize);
    const keep = Math.fround(coefficients.keep);
    for (let i = 0; i < parameters.length; i++) {
      const g = Math.fround(gradients[i] * gradientFactor);
      const m = Math.fround(first[i] + Math.fround(Math.fround(g - first[i]) * firstRate));
      const v = Math.fround(
        Math.fround(second[i] * secondDecay) + Math.fround(Math.fround(g * secondRate) * g),
      );
      const denominator = Math.fround(Math.fround(Math.fround(Math.sqrt(v)) * correction) + eps);
      first[i] = m;
      second[i] = v;
      parameters[i] =
        Math.fround(parameters[i] * keep) - Math.fround(Math.fround(m * stepSize) / denominator);
    }
  },
};

/** The eight interleaved sums as one, in a fixed order. */
function foldSums(sums: Float64Array): number {
  return sums[0] + sums[1] + (sums[2] + sums[3]) + (sums[4] + sums[5] + (sums[6] + sums[7]));
}

/** A view of some values; the array itself where that is all of it, because making views takes a while. */
function part(values: Float32Array, start: number, end: number): Float32Array {
  return start === 0 && end === values.length ? values : values.subarray(start, end);
}

/**
 * The loops as WebAssembly over one memory. Moments and sums must lie in it (`allocate`); parameters may, and
 * gradients, which come from elsewhere, are copied in piece by piece so that they are used while in the cache.
 */
export function wasmLoops(memory: FloatMemory): OptimizerLoops {
  const { buffer } = memory.memory;
  const code = instantiateOptimizer(memory.memory);
  const scratch = memory.scratch.map((start) => new Float32Array(buffer, start, scratchFloats));
  const sums = new Float64Array(buffer, memory.sums, 8);
  /** The address of values[start … end), copied to a scratch buffer if they lie outside. */
  const addressOf = (values: Float32Array, start: number, end: number, slot: 0 | 1): number => {
    if (values.buffer === buffer) return values.byteOffset + 4 * start;
    scratch[slot].set(part(values, start, end));
    return memory.scratch[slot];
  };
  /** Calls `piece` for pieces that are whole vectors, and `rest` for up to three elements at the end. */
  const inPieces = (
    length: number,
    piece: (start: number, end: number) => void,
    rest: (start: number) => void,
  ): void => {
    const whole = length - (length % 4);
    for (let start = 0; start < whole; start += scratchFloats) {
      piece(start, Math.min(start + scratchFloats, whole));
    }
    if (whole < length) rest(whole);
  };
  return {
    kind: 'wasm',
    allocate: (length) => memory.allocate(length),
    sumOfSquares(values) {
      sums.fill(0);
      for (let start = 0; start < values.length; start += scratchFloats) {
        const piece = part(values, start, Math.min(start + scratchFloats, values.length));
        scratch[0].set(piece);
        const end = Math.ceil(piece.length / 8) * 8;
        if (end > piece.length) scratch[0].fill(0, piece.length, end);
        code.sumOfSquares(memory.scratch[0], memory.scratch[0] + 4 * end, memory.sums);
      }
      return foldSums(sums);
    },
    accumulate(sum, addend, factor) {
      inPieces(
        sum.length,
        (start, end) => {
          const at = addressOf(addend, start, end, 0);
          code.accumulate(sum.byteOffset + 4 * start, at, at + 4 * (end - start), factor);
        },
        (start) => javascriptLoops.accumulate(sum.subarray(start), addend.subarray(start), factor),
      );
    },
    adamw(parameters, first, second, gradients, coefficients) {
      const { gradientFactor, firstRate, secondDecay, secondRate, correction, eps, stepSize, keep } =
        coefficients;
      inPieces(
        parameters.length,
        (start, end) => {
          const gradientAt = addressOf(gradients, start, end, 0);
          const parameterAt = addressOf(parameters, start, end, 1);
          code.adamw(
            parameterAt,
            first.byteOffset + 4 * start,
            second.byteOffset + 4 * start,
            gradientAt,
            gradientAt + 4 * (end - start),
            gradientFactor,
            firstRate,
            secondDecay,
            secondRate,
            correction,
            eps,
            stepSize,
            keep,
          );
          if (parameters.buffer !== buffer) parameters.set(part(scratch[1], 0, end - start), start);
        },
        (start) =>
          javascriptLoops.adamw(
            parameters.subarray(start),
            first.subarray(start),
            second.subarray(start),
            gradients.subarray(start),
            coefficients,
          ),
      );
    },
  };
}

/**
 * The fastest loops for these parameters: WebAssembly in the parameters' own memory, else in a memory of its
 * own, else (more than 4 GiB of moments and sums) JavaScript.
 * @param parameters the arrays to be updated
 * @param lengths of the arrays that will be allocated
 */
export function loopsFor(parameters: Iterable<Float32Array>, lengths: readonly number[]): OptimizerLoops {
  const homes = new Set([...parameters].map((array) => FloatMemory.of(array)));
  const [home] = homes;
  const memory = homes.size === 1 && home?.hasRoom(lengths) ? home : FloatMemory.create(lengths);
  return memory ? wasmLoops(memory) : javascriptLoops;
}
