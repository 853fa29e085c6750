import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from './float-formats.ts';

/** The value of a 16-bit pattern by the definition of the format: (-1)^s · 2^(e - bias) · 1.f. */
function definedValue(pattern: number, exponentBits: number, fractionBits: number): number {
  const sign = pattern >>> 15 ? -1 : 1;
  const exponent = (pattern >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (pattern & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * 2 ** (1 - bias) * fraction : sign * 2 ** (exponent - bias) * (1 + fraction);
}

const formats = [
  { name: 'float16', bits: [5, 10], widen: widenFloat16, narrow: narrowToFloat16 },
  { name: 'bfloat16', bits: [8, 7], widen: widenBfloat16, narrow: narrowToBfloat16 },
] as const;

describe.each(formats)('$name', ({ bits: [exponentBits, fractionBits], widen, narrow }) => {
  const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const widened = new Float32Array(65536);
  widen(every, widened);
  const roundOne = (x: number): number => {
    const target = new Uint16Array(1);
    narrow(Float32Array.of(x), target);
    return target[0];
  };

  it('widens all 65,536 patterns to the value the format defines', () => {
    const wrong = every.filter((i) => !Object.is(widened[i], definedValue(i, exponentBits, fractionBits)));
    expect([...wrong]).toEqual([]);
  });

  it('narrows every representable value back to its own pattern, NaN to a NaN', () => {
    const back = new Uint16Array(65536);
    expect(narrow(widened, back)).toBe(-1);
    const same = (i: number): boolean =>
      Number.isNaN(widened[i])
        ? Number.isNaN(definedValue(back[i], exponentBits, fractionBits))
        : back[i] === i;
    expect([...every.filter((i) => !same(i))]).toEqual([]);
  });

  it('rounds to the nearest value and ties to the even pattern', () => {
    const largest = (2 ** exponentBits - 1) * 2 ** fractionBits - 1; // pattern of the largest finite value
    fc.assert(
      fc.property(fc.integer({ min: 0, max: largest - 1 }), fc.constantFrom(0.25, 0.5, 0.75), (low, t) => {
        const a = definedValue(low, exponentBits, fractionBits);
        const b = definedValue(low + 1, exponentBits, fractionBits);
        const x = a + t * (b - a);
        if (Math.fround(x) !== x) return; // between bfloat16 subnormals float32 may have no quarter points
        const expected = t < 0.5 ? low : t > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
        expect(roundOne(x)).toBe(expected);
        expect(roundOne(-x)).toBe(expected | 0x8000);
      }),
      { numRuns: 2000 },
    );
  });

  it('reports the first finite value that does not fit', () => {
    const target = new Uint16Array(3);
    expect(narrow(Float32Array.of(1, 3.4028234663852886e38, Number.POSITIVE_INFINITY), target)).toBe(1);
    expect(narrow(Float32Array.of(1, Number.POSITIVE_INFINITY, Number.NaN), target)).toBe(-1);
  });
});

// Hand arithmetic: the largest float16 is 65504, its spacing 32; 65519 is nearer to it, 65520 is the tie
// with the next (infinite) step and goes there. The smallest subnormal is 2^-24, so 2^-25 ties to zero.
it('keeps to the edges of float16', () => {
  const target = new Uint16Array(4);
  expect(narrowToFloat16(Float32Array.of(65519, 2 ** -25, 2 ** -25 + 2 ** -30, 1e-10), target)).toBe(-1);
  expect([...target]).toEqual([0x7bff, 0, 1, 0]);
  expect(narrowToFloat16(Float32Array.of(65520), target)).toBe(0);
  expect(target[0]).toBe(0x7c00);
});
