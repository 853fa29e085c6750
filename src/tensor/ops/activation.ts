/** Activation functions of feed-forward layers. */
import type { Tensor } from '../graph.ts';
import { add, multiply, sigmoid, subtract, tanh } from './elementwise.ts';
import { erf } from './erf.ts';

/**
 * SwiGLU's inner product: silu(gate) · up, with silu(x) = x · σ(x).
 * @param gate [… , F]
 * @param up   [… , F]
 * @see Shazeer 2020, arXiv:2002.05202, eq. 6.
 */
export function gatedSilu(gate: Tensor, up: Tensor): Tensor {
  const { graph } = gate;
  const sigma = sigmoid(gate);
  const activated = multiply(gate, sigma);
  const result = multiply(activated, up);
  graph.differentiable([gate, up], [result], ([g]) => {
    // silu′ = σ + silu · (1 − σ) = σ · (1 − silu) + silu
    const slope = add(multiply(sigma, subtract(1, activated)), activated);
    return [multiply(multiply(g!, up), slope), multiply(g!, activated)];
  });
  return result;
}

/** x · σ(x). */
export function silu(x: Tensor): Tensor {
  return multiply(x, sigmoid(x));
}

/** Gaussian error linear unit, exact: x · Φ(x). @see Hendrycks and Gimpel 2016, arXiv:1606.08415. */
export function gelu(x: Tensor): Tensor {
  return multiply(multiply(x, 0.5), add(erf(multiply(x, Math.SQRT1_2)), 1));
}

/** Its tanh approximation, as GPT-2 uses it: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export function geluTanh(x: Tensor): Tensor {
  const inner = multiply(add(multiply(multiply(multiply(x, x), x), 0.044715), x), Math.sqrt(2 / Math.PI));
  return multiply(multiply(x, 0.5), add(tanh(inner), 1));
}
