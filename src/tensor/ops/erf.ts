/** The error function. */
import type { Tensor } from '../graph.ts';
import { reshape, sum } from './broadcast.ts';
import { add, clip, exp, multiply, negate } from './elementwise.ts';

/** erf x = 2/√π ∫₀ˣ e^(−t²) dt. */
export function erf(x: Tensor): Tensor {
  const { graph } = x;
  const result =
    graph.precision === 'float64'
      ? erfFloat64(x)
      : graph.node({ operator: 'Erf', inputs: [x], outputs: [{ dtype: x.dtype, shape: x.shape }] })[0];
  graph.differentiable([x], [result], ([g]) => [
    multiply(multiply(g!, 2 / Math.sqrt(Math.PI)), exp(negate(multiply(x, x)))),
  ]);
  return result;
}

/**
 * ONNX Runtime has no float64 kernel for Erf, so checks of gradients use the trapezoidal rule on
 * erf x = 2/π ∫₀^∞ e^(−u²) sin(2ux)/u du. With step h its error is an erf shifted by π/h: below 1e-16 for
 * |x| ≤ 6, beyond which erf is 1 to float64's last digit.
 */
function erfFloat64(x: Tensor): Tensor {
  const { graph } = x;
  const step = 0.25;
  const terms = Array.from({ length: 25 }, (_, i) => i + 1);
  const constant = (values: number[]): Tensor => graph.constant(Float64Array.from(values), [values.length]);
  const bounded = clip(x, -6, 6);
  const angles = multiply(reshape(bounded, [...x.shape, 1]), constant(terms.map((n) => 2 * n * step)));
  const [sines] = graph.node({
    operator: 'Sin',
    inputs: [angles],
    outputs: [{ dtype: angles.dtype, shape: angles.shape }],
  });
  const weighted = multiply(sines, constant(terms.map((n) => Math.exp(-((n * step) ** 2)) / n)));
  return multiply(add(sum(weighted, { axes: [-1] }), multiply(bounded, step)), 2 / Math.PI);
}
