/**
 * The divergence that DPO's penalty measures: the log-ratio of policy and reference becomes f′(ratio), up to a
 * constant that cancels between the two responses of a pair.
 * @see Wang et al. 2023, "Beyond reverse KL", arXiv:2309.16240, table 1.
 */
import { add, exp, logSigmoid, minimum, multiply, negate, subtract, type Tensor } from '../tensor/index.ts';

export type FDivergence = 'reverse_kl' | 'forward_kl' | 'js_divergence' | 'alpha_divergence';

/** Above this, e to it leaves float32. */
const largestExponent = 80;

/**
 * With u = π / π_ref: log u (reverse KL), 1 − 1/u (forward KL), log 2u/(u + 1) (Jensen–Shannon), and
 * (u^(α−1) − 1) / (α − 1) (alpha), which tends to log u for α → 1.
 * @param logRatios log π − log π_ref per response, any shape
 * @param alpha     for the alpha divergence. Default 0.5 (TRL)
 */
export function divergenceScores(logRatios: Tensor, divergence: FDivergence, alpha = 0.5): Tensor {
  switch (divergence) {
    case 'reverse_kl':
      return logRatios;
    case 'forward_kl':
      return subtract(1, exp(minimum(negate(logRatios), largestExponent)));
    case 'js_divergence':
      return add(logSigmoid(logRatios), Math.LN2);
    case 'alpha_divergence': {
      if (Math.abs(alpha - 1) < 1e-6) return logRatios;
      const exponent = minimum(multiply(logRatios, alpha - 1), largestExponent);
      return multiply(subtract(exp(exponent), 1), 1 / (alpha - 1));
    }
  }
}
