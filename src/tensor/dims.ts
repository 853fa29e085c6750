/**
 * Symbolic dimensions.
 *
 * A dimension is a number, or a product of named symbols with a coefficient, written canonically:
 * `B`, `4*B*T`. Products are what reshapes make; sums never occur, so two dimensions are equal exactly
 * when their canonical texts are.
 */

/** A size: known (number) or symbolic (`'B'`, `'B*T'`, `'4*B'`). */
export type Dim = number | string;
export type Shape = readonly Dim[];

interface Monomial {
  readonly coefficient: number;
  readonly symbols: readonly string[];
}

function parse(dim: Dim): Monomial {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] };
  let coefficient = 1;
  const symbols: string[] = [];
  for (const factor of dim.split('*')) {
    if (/^\d+$/.test(factor)) coefficient *= Number(factor);
    else symbols.push(factor);
  }
  return { coefficient, symbols: symbols.sort() };
}

function format({ coefficient, symbols }: Monomial): Dim {
  if (coefficient === 0) return 0;
  if (symbols.length === 0) return coefficient;
  return (coefficient === 1 ? symbols : [coefficient, ...symbols]).join('*');
}

/** The symbols a dimension is made of, e.g. `['B', 'T']` for `'4*B*T'`. */
export function symbolsOf(dim: Dim): readonly string[] {
  return parse(dim).symbols;
}

/** The numeric factor of a dimension, e.g. 4 for `'4*B*T'`. */
export function coefficientOf(dim: Dim): number {
  return parse(dim).coefficient;
}

/** The same dimension in canonical form: `'B*4*A'` becomes `'4*A*B'`. */
export function canonicalDim(dim: Dim): Dim {
  return format(parse(dim));
}

/** The product of dimensions in canonical form; 1 for none. */
export function productOf(dims: Shape): Dim {
  let coefficient = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    const monomial = parse(dim);
    coefficient *= monomial.coefficient;
    symbols.push(...monomial.symbols);
  }
  return format({ coefficient, symbols: symbols.sort() });
}

/** `a / b` when the quotient is again a dimension, else null. */
export function divideDims(a: Dim, b: Dim): Dim | null {
  const numerator = parse(a);
  const divisor = parse(b);
  if (divisor.coefficient === 0 || numerator.coefficient % divisor.coefficient !== 0) return null;
  const symbols = [...numerator.symbols];
  for (const symbol of divisor.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return null;
    symbols.splice(at, 1);
  }
  return format({ coefficient: numerator.coefficient / divisor.coefficient, symbols });
}

export function equalShapes(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** `[B, 4, T]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The shape two operands broadcast to (NumPy rules), or null when they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else return null;
  }
  return result;
}
