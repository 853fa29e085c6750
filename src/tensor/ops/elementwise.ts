/** Operators that act on each element by itself, with NumPy broadcasting between operands. */
import { broadcastShapes, equalShapes, type Shape } from '../dims.ts';
import { type DType, type Graph, shapeError, type Tensor } from '../graph.ts';
import { sumTo } from './broadcast.ts';

/** A tensor, or a number that is broadcast. */
export type Operand = Tensor | number;

const real = (graph: Graph): DType => graph.precision;

function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? a.graph.scalar(b) : b];
  if (typeof b !== 'number') return [b.graph.scalar(a), b];
  throw shapeError('elementwise', [], 'at least one operand must be a tensor');
}

/** The gradient for one broadcast operand; a scalar constant needs none, so nothing is built for it. */
function toOperand(operand: Operand, gradient: () => Tensor): Tensor | null {
  return typeof operand === 'number' ? null : sumTo(gradient(), operand.shape);
}

function broadcast(operator: string, a: Tensor, b: Tensor): Shape {
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape)
    throw shapeError(
      operator,
      [a, b],
      'shapes do not broadcast (each pair of dimensions must be equal or 1)',
    );
  return shape;
}

/** a + b. */
export function add(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  return x.graph.node({
    operator: 'Add',
    inputs: [x, y],
    outputs: [{ dtype: x.dtype, shape: broadcast('add', x, y) }],
    backward: ([g]) => [toOperand(a, () => g!), toOperand(b, () => g!)],
  })[0];
}

/** a − b. */
export function subtract(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  return x.graph.node({
    operator: 'Sub',
    inputs: [x, y],
    outputs: [{ dtype: x.dtype, shape: broadcast('subtract', x, y) }],
    backward: ([g]) => [toOperand(a, () => g!), toOperand(b, () => negate(g!))],
  })[0];
}

/** a · b, element by element. */
export function multiply(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  return x.graph.node({
    operator: 'Mul',
    inputs: [x, y],
    outputs: [{ dtype: x.dtype, shape: broadcast('multiply', x, y) }],
    backward: ([g]) => [toOperand(a, () => multiply(g!, y)), toOperand(b, () => multiply(g!, x))],
  })[0];
}

/** a / b. */
export function divide(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  const [result] = x.graph.node({
    operator: 'Div',
    inputs: [x, y],
    outputs: [{ dtype: x.dtype, shape: broadcast('divide', x, y) }],
    backward: ([g]) => [
      toOperand(a, () => divide(g!, y)),
      toOperand(b, () => negate(divide(multiply(g!, result), y))),
    ],
  });
  return result;
}

/** The larger of two. Where they are equal each gets half of the gradient, as in PyTorch. */
export function maximum(a: Operand, b: Operand): Tensor {
  return extreme('Max', a, b, greater);
}

/** The smaller of two. Where they are equal each gets half of the gradient, as in PyTorch. */
export function minimum(a: Operand, b: Operand): Tensor {
  return extreme('Min', a, b, less);
}

function extreme(
  operator: 'Max' | 'Min',
  a: Operand,
  b: Operand,
  wins: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const [x, y] = operands(a, b);
  const share = (own: Tensor, other: Tensor): Tensor =>
    add(toReal(wins(own, other)), multiply(toReal(equal(own, other)), 0.5));
  return x.graph.node({
    operator,
    inputs: [x, y],
    outputs: [{ dtype: x.dtype, shape: broadcast(operator.toLowerCase(), x, y) }],
    backward: ([g]) => [
      toOperand(a, () => multiply(g!, share(x, y))),
      toOperand(b, () => multiply(g!, share(y, x))),
    ],
  })[0];
}

/** `condition` (bool) ? a : b, element by element. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const graph = condition.graph;
  const x = typeof a === 'number' ? graph.scalar(a) : a;
  const y = typeof b === 'number' ? graph.scalar(b) : b;
  const branches = broadcastShapes(x.shape, y.shape);
  const shape = branches && broadcastShapes(condition.shape, branches);
  if (!shape) throw shapeError('where', [condition, x, y], 'condition and both branches must broadcast');
  return graph.node({
    operator: 'Where',
    inputs: [condition, x, y],
    outputs: [{ dtype: x.dtype, shape }],
    backward: ([g]) => [
      null,
      toOperand(a, () => where(condition, g!, 0)),
      toOperand(b, () => where(condition, 0, g!)),
    ],
  })[0];
}

/** Limits to [low, high]; the gradient passes where low ≤ x ≤ high, as in PyTorch. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  const { graph } = x;
  return graph.node({
    operator: 'Clip',
    inputs: [x, graph.scalar(low), graph.scalar(high)],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
    backward: ([g]) => [where(and(not(less(x, low)), not(greater(x, high))), g!, 0), null, null],
  })[0];
}

function unary(operator: string, x: Tensor, backward: (gradient: Tensor, result: Tensor) => Tensor): Tensor {
  const [result] = x.graph.node({
    operator,
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
    backward: ([g]) => [backward(g!, result)],
  });
  return result;
}

/** −x. */
export function negate(x: Tensor): Tensor {
  return unary('Neg', x, (g) => negate(g));
}

/** eˣ. */
export function exp(x: Tensor): Tensor {
  return unary('Exp', x, (g, y) => multiply(g, y));
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return unary('Log', x, (g) => divide(g, x));
}

/** √x. */
export function sqrt(x: Tensor): Tensor {
  return unary('Sqrt', x, (g, y) => divide(multiply(g, 0.5), y));
}

/** |x|; gradient 0 at 0. */
export function abs(x: Tensor): Tensor {
  return unary('Abs', x, (g) => multiply(g, sign(x)));
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: Tensor): Tensor {
  return unary('Sigmoid', x, (g, y) => multiply(g, multiply(y, subtract(1, y))));
}

export function tanh(x: Tensor): Tensor {
  return unary('Tanh', x, (g, y) => multiply(g, subtract(1, multiply(y, y))));
}

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return unary('Relu', x, (g) => where(greater(x, 0), g, 0));
}

/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which neither overflows nor loses small values of eˣ. */
export function softplus(x: Tensor): Tensor {
  // ONNX Runtime has no float64 kernel for Softplus.
  if (x.graph.precision === 'float64') {
    const result = add(relu(x), log(add(exp(negate(abs(x))), 1)));
    x.graph.differentiable([x], [result], ([g]) => [multiply(g!, sigmoid(x))]);
    return result;
  }
  return unary('Softplus', x, (g) => multiply(g, sigmoid(x)));
}

/** log σ(x) = −softplus(−x). */
export function logSigmoid(x: Tensor): Tensor {
  return negate(softplus(negate(x)));
}

/** x². */
export function square(x: Tensor): Tensor {
  return multiply(x, x);
}

/** The value without its gradient: a constant as far as training is concerned. */
export function stopGradient(x: Tensor): Tensor {
  return x.graph.node({
    operator: 'Identity',
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: x.shape }],
  })[0];
}

/** −1, 0 or 1; no gradient. */
export function sign(x: Tensor): Tensor {
  return x.graph.node({ operator: 'Sign', inputs: [x], outputs: [{ dtype: x.dtype, shape: x.shape }] })[0];
}

function comparison(operator: string, a: Operand, b: Operand): Tensor {
  const [x, y] = integerAware(a, b);
  const shape = broadcast(operator.toLowerCase(), x, y);
  return x.graph.node({ operator, inputs: [x, y], outputs: [{ dtype: 'bool', shape }] })[0];
}

function integerAware(a: Operand, b: Operand): [Tensor, Tensor] {
  const tensor = typeof a !== 'number' ? a : typeof b !== 'number' ? b : null;
  if (tensor?.dtype === 'int32') {
    const constant = (value: Operand): Tensor =>
      typeof value === 'number' ? tensor.graph.constant(Int32Array.of(value), []) : value;
    return [constant(a), constant(b)];
  }
  if (tensor?.dtype === 'int64') {
    const constant = (value: Operand): Tensor =>
      typeof value === 'number' ? tensor.graph.integers([value], []) : value;
    return [constant(a), constant(b)];
  }
  return operands(a, b);
}

/** a > b, bool. */
export function greater(a: Operand, b: Operand): Tensor {
  return comparison('Greater', a, b);
}

/** a ≥ b, bool. */
export function greaterOrEqual(a: Operand, b: Operand): Tensor {
  return comparison('GreaterOrEqual', a, b);
}

/** a < b, bool. */
export function less(a: Operand, b: Operand): Tensor {
  return comparison('Less', a, b);
}

/** a = b, bool. */
export function equal(a: Operand, b: Operand): Tensor {
  return comparison('Equal', a, b);
}

/** Both, bool. */
export function and(a: Tensor, b: Tensor): Tensor {
  return comparison('And', a, b);
}

/** The opposite, bool. */
export function not(x: Tensor): Tensor {
  return x.graph.node({ operator: 'Not', inputs: [x], outputs: [{ dtype: 'bool', shape: x.shape }] })[0];
}

const onnxTypeCode: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/** Another element type; the gradient passes only from real to real. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const isReal = (type: DType): boolean => type === 'float32' || type === 'float64';
  return x.graph.node({
    operator: 'Cast',
    inputs: [x],
    outputs: [{ dtype, shape: x.shape }],
    attributes: { to: onnxTypeCode[dtype] },
    backward: isReal(x.dtype) && isReal(dtype) ? ([g]) => [cast(g!, x.dtype)] : undefined,
  })[0];
}

/** Booleans or integers as real numbers. */
export function toReal(x: Tensor): Tensor {
  return cast(x, real(x.graph));
}

/** The sum of several tensors of one shape. As additions of two: ONNX Runtime's Sum uses one thread only. */
export function sumOf(terms: readonly Tensor[]): Tensor {
  const [first, ...others] = terms;
  for (const term of others) {
    if (!equalShapes(term.shape, first.shape))
      throw shapeError('sumOf', [first, term], 'all terms must have one shape');
  }
  return others.reduce(add, first);
}
