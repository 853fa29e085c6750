/**
 * Estimators of the Kullback–Leibler divergence from sampled tokens.
 *
 * With d = log π(token) − log π_ref(token) and tokens **drawn from π**, each estimates KL(π ‖ π_ref), in nats:
 * - k1 = d: unbiased, may be negative for one token, large variance.
 * - k2 = ½ d²: biased, never negative. Its gradient through π is an unbiased gradient of the divergence.
 * - k3 = e^−d − 1 + d: unbiased, never negative; overflows where π_ref finds a token far likelier than π.
 *
 * @see Schulman 2020, "Approximating KL divergence", http://joschu.net/blog/kl-approx.html
 */
import { TenetError } from '../base/index.ts';
import { add, exp, multiply, negate, square, subtract, type Tensor } from '../tensor/index.ts';
import type { Counted } from './masked.ts';
import { keepCounted } from './masked-tensor.ts';

export type KlEstimator = 'k1' | 'k2' | 'k3';

const estimators: Readonly<Record<KlEstimator, (logRatio: number) => number>> = {
  k1: (d) => d,
  k2: (d) => 0.5 * d * d,
  k3: (d) => Math.expm1(-d) + d,
};

/**
 * KL(π ‖ π_ref) per token, nats; 0 where not counted.
 * @param options.logProbs          log π of tokens drawn from π, any layout
 * @param options.referenceLogProbs log π_ref of the same tokens
 * @param options.counted           1 = a sampled token that counts
 * @param options.estimator         default k1, the one that makes the reward's penalty unbiased (TRL's PPO, RLOO)
 */
export function klPerToken(options: {
  readonly logProbs: Float32Array;
  readonly referenceLogProbs: Float32Array;
  readonly counted: Counted;
  readonly estimator?: KlEstimator;
}): Float32Array {
  const { logProbs, referenceLogProbs, counted } = options;
  if (logProbs.length !== counted.length || referenceLogProbs.length !== counted.length) {
    throw new TenetError(
      'shape',
      `klPerToken: ${logProbs.length} log-probabilities, ${referenceLogProbs.length} of the reference and a mask ` +
        `of ${counted.length}; all three need one entry per token`,
    );
  }
  const estimate = estimators[options.estimator ?? 'k1'];
  const result = new Float32Array(counted.length);
  for (let i = 0; i < counted.length; i++) {
    if (counted[i] !== 0) result[i] = estimate(logProbs[i] - referenceLogProbs[i]);
  }
  return result;
}

/**
 * KL(π ‖ π_ref) of whole responses, the sum over their tokens, nats; negative at times with k1.
 * @param options as of `klPerToken`, the arrays [B, T]
 * @param options.sequences B
 * @returns [B]
 */
export function klPerResponse(
  options: Parameters<typeof klPerToken>[0] & { readonly sequences: number },
): Float32Array {
  const perToken = klPerToken(options);
  const tokens = perToken.length / options.sequences;
  return Float32Array.from({ length: options.sequences }, (_, row) =>
    perToken.subarray(row * tokens, (row + 1) * tokens).reduce((sum, value) => sum + value, 0),
  );
}

/**
 * KL(π ‖ π_ref) per token in a graph, nats; 0 and without gradient where not counted.
 *
 * Differentiable by both log-probabilities. Only k2 has the divergence's gradient when differentiated as it
 * stands; k1's expected gradient is zero, and k3's belongs to KL(π_ref ‖ π).
 * @param options tensors of one shape; `counted` real, 1 = counted
 */
export function klPerTokenTensor(options: {
  readonly logProbs: Tensor;
  readonly referenceLogProbs: Tensor;
  readonly counted: Tensor;
  readonly estimator: KlEstimator;
}): Tensor {
  const d = keepCounted(subtract(options.logProbs, options.referenceLogProbs), options.counted);
  if (options.estimator === 'k1') return d;
  if (options.estimator === 'k2') return multiply(square(d), 0.5);
  return add(subtract(exp(negate(d)), 1), d);
}
