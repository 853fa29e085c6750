/**
 * Conversions between float32 and the 16-bit float formats of weight files, exact to the last bit.
 *
 * Widening is exact. Narrowing rounds to the nearest value, ties to even, as IEEE 754 and PyTorch do;
 * subnormals are kept, infinities and NaN stay what they are.
 */

/** How weights are stored in a file. */
export type FloatDtype = 'float32' | 'float16' | 'bfloat16';

/** Bytes of one element in a file. */
export const bytesPerElement: Readonly<Record<FloatDtype, number>> = { float32: 4, float16: 2, bfloat16: 2 };

let halfTable: Uint32Array | undefined;

/** float32 bit patterns of all 65,536 float16 values; 256 KiB, made on first use. */
function halfToFloatBits(): Uint32Array {
  if (halfTable) return halfTable;
  halfTable = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    let fraction = half & 0x3ff;
    let bits: number;
    if (exponent === 0x1f) bits = 0x7f800000 | (fraction << 13);
    else if (exponent > 0) bits = ((exponent + 112) << 23) | (fraction << 13);
    else if (fraction === 0) bits = 0;
    else {
      let shifts = 0; // normalise a subnormal: fraction · 2^-24
      while ((fraction & 0x400) === 0) {
        fraction <<= 1;
        shifts++;
      }
      bits = ((113 - shifts) << 23) | ((fraction & 0x3ff) << 13);
    }
    halfTable[half] = (sign | bits) >>> 0;
  }
  return halfTable;
}

/** Widens float16 bit patterns to float32. Both arrays [n]; `target` may be longer. */
export function widenFloat16(source: Uint16Array, target: Float32Array): void {
  const table = halfToFloatBits();
  const bits = new Uint32Array(target.buffer, target.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) bits[i] = table[source[i]];
}

/** Widens bfloat16 bit patterns to float32. Both arrays [n]; `target` may be longer. */
export function widenBfloat16(source: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
}

/**
 * Narrows float32 to float16 bit patterns. Both arrays [n]; `target` may be longer.
 * @returns index of the first finite value too large for float16 (it became an infinity), or -1.
 */
export function narrowToFloat16(source: Float32Array, target: Uint16Array): number {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  let overflow = -1;
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    let half: number;
    if (magnitude >= 0x7f800000) {
      half = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00; // NaN, infinity
    } else if (magnitude >= 0x477ff000) {
      half = 0x7c00; // 65520 and above round to infinity
      if (overflow < 0) overflow = i;
    } else if (magnitude >= 0x38800000) {
      // Normal: move the exponent's bias from 127 to 15, then round away 13 bits.
      const rebiased = magnitude - 0x38000000;
      half = (rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13;
    } else if (magnitude <= 0x33000000) {
      half = 0; // 2^-25 and below: the tie goes to even, which is zero
    } else {
      // Subnormal: count units of 2^-24.
      const shift = 126 - (magnitude >>> 23); // 14 … 24 bits to drop
      const fraction = (magnitude & 0x7fffff) | 0x800000;
      const kept = fraction >>> shift;
      const dropped = fraction & ((1 << shift) - 1);
      const halfway = 1 << (shift - 1);
      half = kept + (dropped > halfway || (dropped === halfway && (kept & 1) === 1) ? 1 : 0);
    }
    target[i] = sign | half;
  }
  return overflow;
}

/**
 * Narrows float32 to bfloat16 bit patterns. Both arrays [n]; `target` may be longer.
 * @returns index of the first finite value too large for bfloat16 (it became an infinity), or -1.
 */
export function narrowToBfloat16(source: Float32Array, target: Uint16Array): number {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  let overflow = -1;
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i];
    const magnitude = x & 0x7fffffff;
    if (magnitude > 0x7f800000)
      target[i] = (x >>> 16) | 0x40; // keep it a (quiet) NaN
    else {
      target[i] = (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
      if (overflow < 0 && magnitude >= 0x7f7f8000 && magnitude < 0x7f800000) overflow = i;
    }
  }
  return overflow;
}
