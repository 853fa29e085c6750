import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  broadcastShapes,
  canonicalDim,
  coefficientOf,
  type Dim,
  divideDims,
  equalShapes,
  formatShape,
  productOf,
  symbolsOf,
} from './dims.ts';

const sizes: Record<string, number> = { A: 2, B: 3, Rows: 5, T2: 7 };
const symbol = fc.constantFrom(...Object.keys(sizes));
const dim: fc.Arbitrary<Dim> = fc.oneof(
  fc.integer({ min: 1, max: 12 }),
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.array(symbol, { minLength: 1, maxLength: 3 }))
    .map(([coefficient, symbols]) => canonicalDim([coefficient, ...symbols].join('*'))),
);

/** The size a dimension has when its symbols have the sizes above. */
function sizeOf(value: Dim): number {
  return symbolsOf(value).reduce((product, name) => product * sizes[name], coefficientOf(value));
}

describe('dimensions', () => {
  it('multiply as their sizes do, in any order and grouping', () => {
    fc.assert(
      fc.property(dim, dim, dim, (a, b, c) => {
        expect(sizeOf(productOf([a, b]))).toBe(sizeOf(a) * sizeOf(b));
        expect(productOf([a, b])).toBe(productOf([b, a]));
        expect(productOf([productOf([a, b]), c])).toBe(productOf([a, productOf([b, c])]));
        expect(productOf([a])).toBe(a);
      }),
    );
    expect(productOf([])).toBe(1);
    expect(productOf(['B', 0])).toBe(0);
  });

  it('divide exactly or not at all', () => {
    fc.assert(
      fc.property(dim, dim, (a, b) => {
        expect(divideDims(productOf([a, b]), b)).toBe(a);
        const quotient = divideDims(a, b);
        if (quotient !== null) expect(productOf([quotient, b])).toBe(a);
      }),
    );
    expect(divideDims('4*B*T', '2*T')).toBe('2*B');
    expect(divideDims('B', 'T')).toBeNull();
    expect(divideDims('3*B', 2)).toBeNull();
    expect(divideDims('B', 0)).toBeNull();
  });

  it('have one canonical text', () => {
    expect(canonicalDim('T*2*B*3')).toBe('6*B*T');
    expect(canonicalDim('1*B')).toBe('B');
    expect(canonicalDim('2*3')).toBe(6);
    expect(canonicalDim('0*B')).toBe(0);
    expect(formatShape(['B', 4, '2*T'])).toBe('[B, 4, 2*T]');
  });
});

describe('broadcastShapes', () => {
  const shape = fc.array(fc.constantFrom<Dim>(1, 2, 'B', 'T'), { maxLength: 4 });

  it('follows the rules of NumPy', () => {
    expect(broadcastShapes(['B', 1, 3], ['T', 1])).toEqual(['B', 'T', 3]);
    expect(broadcastShapes([], ['B'])).toEqual(['B']);
    expect(broadcastShapes(['B'], ['T'])).toBeNull();
    expect(broadcastShapes([2], [3])).toBeNull();
  });

  it('is symmetric, idempotent, and never forgets an axis', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        const result = broadcastShapes(a, b);
        expect(result).toEqual(broadcastShapes(b, a));
        if (!result) return;
        expect(result).toHaveLength(Math.max(a.length, b.length));
        expect(equalShapes(broadcastShapes(result, a)!, result)).toBe(true);
      }),
    );
  });
});
