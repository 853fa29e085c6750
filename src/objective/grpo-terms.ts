/**
 * What GRPO's variants minimise per token, before aggregation.
 *
 * ρ is the importance ratio π / π_old, per token or per sequence; A the advantage. Tensors are in the layout of
 * tokens, or broadcast with it.
 */
import {
  add,
  clip,
  divide,
  exp,
  greater,
  minimum,
  multiply,
  negate,
  sigmoid,
  stopGradient,
  subtract,
  type Tensor,
  where,
} from '../tensor/index.ts';

/**
 * −min(ρ A, clip(ρ, 1 − ε, 1 + ε_high) A), PPO's term; with `delta` the free ρ is limited to delta, which bounds
 * the loss of negative advantages too (two-sided clipping).
 * @see Shao et al. 2024, arXiv:2402.03300, eq. 3; INTELLECT-2, arXiv:2505.07291, for delta.
 */
export function clippedTerm(options: {
  readonly ratio: Tensor;
  readonly advantages: Tensor;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly delta: number | null;
}): Tensor {
  const { ratio, advantages, epsilon, epsilonHigh, delta } = options;
  const free = delta === null ? ratio : minimumOf(ratio, delta);
  const clipped = clip(ratio, 1 - epsilon, 1 + epsilonHigh);
  return negate(minimum(multiply(free, advantages), multiply(clipped, advantages)));
}

/** min(x, limit) that passes the whole gradient at the limit itself, as PyTorch's clamp does. */
function minimumOf(x: Tensor, limit: number): Tensor {
  return where(greater(x, limit), limit, x);
}

/**
 * CISPO: −min(ρ, cap) A log π with the weight held constant, so that clipped tokens keep a gradient.
 * @param options.cap 1 + ε_high of the paper's notation; TRL's epsilon_high, which it recommends to set to 5
 * @see MiniMax 2025, arXiv:2506.13585.
 */
export function cispoTerm(options: {
  readonly ratio: Tensor;
  readonly advantages: Tensor;
  readonly logProbs: Tensor;
  readonly cap: number;
}): Tensor {
  const weight = stopGradient(minimum(options.ratio, options.cap));
  return negate(multiply(multiply(weight, options.advantages), options.logProbs));
}

/**
 * SAPO: −(4 / τ) σ(τ (ρ − 1)) A, a soft gate in place of clipping; τ depends on the sign of A.
 * @see Gao et al. 2025, arXiv:2511.20347.
 */
export function sapoTerm(options: {
  readonly ratio: Tensor;
  readonly advantages: Tensor;
  readonly temperaturePositive: number;
  readonly temperatureNegative: number;
}): Tensor {
  const { ratio, advantages } = options;
  const temperature = where(greater(advantages, 0), options.temperaturePositive, options.temperatureNegative);
  const gate = multiply(sigmoid(multiply(temperature, subtract(ratio, 1))), divide(4, temperature));
  return negate(multiply(gate, advantages));
}

/**
 * VESPO's weight of a sequence: φ(w) = e^λ w^k e^−λw with w = Π ρ over the sequence, held constant; φ(1) = 1.
 *
 * Computed from log w limited to [log 1e-8, 20], so that it stays finite.
 * @param options.logSequenceRatio [B] Σ log ρ, any correction for the sampler included
 * @param options.isPositive       [B] bool, advantage ≥ 0: chooses k and λ
 * @returns [B]
 * @see VESPO, arXiv:2602.10693.
 */
export function vespoWeight(options: {
  readonly logSequenceRatio: Tensor;
  readonly isPositive: Tensor;
  readonly kPositive: number;
  readonly lambdaPositive: number;
  readonly kNegative: number;
  readonly lambdaNegative: number;
}): Tensor {
  const { logSequenceRatio, isPositive } = options;
  const logWeight = clip(logSequenceRatio, Math.log(1e-8), 20);
  const k = where(isPositive, options.kPositive, options.kNegative);
  const lambda = where(isPositive, options.lambdaPositive, options.lambdaNegative);
  const linear = multiply(lambda, subtract(1, exp(logWeight)));
  return stopGradient(exp(add(linear, multiply(k, logWeight))));
}
