/**
 * DPO's loss and its relatives, per pair.
 *
 * Notation: x_c, x_r = log π − log π_ref of the chosen and the rejected response; s_c, s_r the same after the
 * f-divergence (equal to x for reverse KL); Δ = s_c − s_r; n_c, n_r lengths in tokens; ε label smoothing.
 */
import {
  add,
  divide,
  exp,
  logSigmoid,
  maximum,
  multiply,
  negate,
  relu,
  sigmoid,
  square,
  subtract,
  type Tensor,
} from '../tensor/index.ts';
import { sortAscending } from './sort.ts';

export type DpoLossType =
  | 'sigmoid'
  | 'cdpo'
  | 'hinge'
  | 'ipo'
  | 'exo_pair'
  | 'nca_pair'
  | 'robust'
  | 'bco_pair'
  | 'sppo_hard'
  | 'aot'
  | 'aot_unpaired'
  | 'apo_zero'
  | 'apo_down'
  | 'discopop'
  | 'sft'
  | 'sigmoid_norm';

/** What a loss may use; every tensor is [P]. */
export interface PairTerms {
  readonly chosenLogProbs: Tensor;
  readonly rejectedLogProbs: Tensor;
  readonly referenceChosenLogProbs: Tensor;
  readonly referenceRejectedLogProbs: Tensor;
  /** x_c, x_r. */
  readonly chosenLogRatios: Tensor;
  readonly rejectedLogRatios: Tensor;
  /** s_c, s_r. */
  readonly chosenScores: Tensor;
  readonly rejectedScores: Tensor;
  /** Δ. */
  readonly delta: Tensor;
  /** n_c, n_r; null where they were not given. */
  readonly chosenLengths: Tensor | null;
  readonly rejectedLengths: Tensor | null;
  readonly beta: number;
  readonly labelSmoothing: number;
  readonly discopopTau: number;
}

/** Losses that need the responses' lengths. */
export const lengthNormalisedLosses: readonly DpoLossType[] = ['ipo', 'sigmoid_norm'];

const cost = (x: Tensor): Tensor => negate(logSigmoid(x));

/** −(1 − ε) log σ(x) − ε log σ(−x). */
function smoothedCost(x: Tensor, epsilon: number): Tensor {
  return epsilon === 0 ? cost(x) : add(multiply(cost(x), 1 - epsilon), multiply(cost(negate(x)), epsilon));
}

function normalisedDelta(p: PairTerms): Tensor {
  return subtract(
    divide(p.chosenScores, maximum(p.chosenLengths!, 1)),
    divide(p.rejectedScores, maximum(p.rejectedLengths!, 1)),
  );
}

/** Per pair, [P]; the `sft` loss is no pair's own and stands in `dpo.ts`. */
export const pairLosses: Readonly<Record<Exclude<DpoLossType, 'sft'>, (p: PairTerms) => Tensor>> = {
  /** −log σ(βΔ). Rafailov et al. 2023, arXiv:2305.18290, eq. 7. */
  sigmoid: (p) => cost(multiply(p.delta, p.beta)),

  /** −(1 − ε) log σ(βΔ) − ε log σ(−βΔ): labels wrong with probability ε. Mitchell 2023, "A note on DPO with noisy preferences". */
  cdpo: (p) => smoothedCost(multiply(p.delta, p.beta), p.labelSmoothing),

  /** max(0, 1 − βΔ). SLiC, Zhao et al. 2023, arXiv:2305.10425, in the form of Liu et al. 2023, arXiv:2309.06657. */
  hinge: (p) => relu(subtract(1, multiply(p.delta, p.beta))),

  /** (s_c / n_c − s_r / n_r − 1 / 2β)²: per token, which its authors confirmed. Azar et al. 2023, arXiv:2310.12036, eq. 17. */
  ipo: (p) => square(subtract(normalisedDelta(p), 1 / (2 * p.beta))),

  /** KL(softmax of βs ‖ (1 − ε, ε)). Ji et al. 2024, arXiv:2402.00856, eq. 16. */
  exo_pair: (p) => {
    const x = multiply(p.delta, p.beta);
    const chosen = multiply(sigmoid(x), subtract(logSigmoid(x), Math.log1p(-p.labelSmoothing)));
    const minus = negate(x);
    const rejected = multiply(sigmoid(minus), subtract(logSigmoid(minus), Math.log(p.labelSmoothing)));
    return add(chosen, rejected);
  },

  /** −log σ(βx_c) − ½ log σ(−βx_c) − ½ log σ(−βx_r). Chen et al. 2024, arXiv:2402.05369. */
  nca_pair: (p) => {
    const chosen = multiply(p.chosenLogRatios, p.beta);
    const rejected = multiply(p.rejectedLogRatios, p.beta);
    const pull = add(cost(negate(chosen)), cost(negate(rejected)));
    return add(cost(chosen), multiply(pull, 0.5));
  },

  /** (−(1 − ε) log σ(βΔ) + ε log σ(−βΔ)) / (1 − 2ε): unbiased under flipped labels. Chowdhury et al. 2024, arXiv:2403.00409. */
  robust: (p) => {
    const x = multiply(p.delta, p.beta);
    const kept = multiply(cost(x), 1 - p.labelSmoothing);
    const flipped = multiply(cost(negate(x)), p.labelSmoothing);
    return multiply(subtract(kept, flipped), 1 / (1 - 2 * p.labelSmoothing));
  },

  /** −log σ(βx_c) − log σ(−βx_r), without the running shift. Jung et al. 2024, arXiv:2404.04656. */
  bco_pair: (p) =>
    add(cost(multiply(p.chosenLogRatios, p.beta)), cost(multiply(p.rejectedLogRatios, -p.beta))),

  /** (x_c − 1 / 2β)² + (x_r + 1 / 2β)². Wu et al. 2024, arXiv:2405.00675, eq. 4.7 with certain preferences. */
  sppo_hard: (p) =>
    add(square(subtract(p.chosenLogRatios, 0.5 / p.beta)), square(add(p.rejectedLogRatios, 0.5 / p.beta))),

  /** Sorted log π ratios of the batch against sorted reference ratios: depends on the batch. Melnyk et al. 2024, arXiv:2406.05882. */
  aot: (p) => {
    const ratios = sortAscending(subtract(p.chosenLogProbs, p.rejectedLogProbs));
    const reference = sortAscending(subtract(p.referenceChosenLogProbs, p.referenceRejectedLogProbs));
    return smoothedCost(multiply(subtract(ratios, reference), p.beta), p.labelSmoothing);
  },

  /** The same with sorted x_c against sorted x_r: chosen and rejected need not belong together. */
  aot_unpaired: (p) => {
    const gap = subtract(sortAscending(p.chosenLogRatios), sortAscending(p.rejectedLogRatios));
    return smoothedCost(multiply(gap, p.beta), p.labelSmoothing);
  },

  /** 1 − σ(βx_c) + σ(βx_r): for chosen better than the model's own. D'Oosterlinck et al. 2024, arXiv:2408.06266, eq. 7. */
  apo_zero: (p) =>
    add(
      subtract(1, sigmoid(multiply(p.chosenLogRatios, p.beta))),
      sigmoid(multiply(p.rejectedLogRatios, p.beta)),
    ),

  /** σ(βx_c) + 1 − σ(β(x_c − x_r)): for chosen worse than the model's own. Same paper, eq. 8. */
  apo_down: (p) => {
    const gap = subtract(p.chosenLogRatios, p.rejectedLogRatios);
    return add(sigmoid(multiply(p.chosenLogRatios, p.beta)), subtract(1, sigmoid(multiply(gap, p.beta))));
  },

  /** (1 − m) · (−log σ(βΔ)) + m · e^−βΔ with m = σ(βΔ / τ), found by a language model. Lu et al. 2024, arXiv:2406.08414, eq. 5. */
  discopop: (p) => {
    const x = multiply(p.delta, p.beta);
    const y = multiply(x, 1 / p.discopopTau);
    // m · e^−x in one exponent: apart, 0 times infinity is NaN for pairs that are far from their labels.
    return add(multiply(cost(x), sigmoid(negate(y))), exp(subtract(logSigmoid(y), x)));
  },

  /** −log σ(β(s_c / n_c − s_r / n_r)): DPO per token, as in Tülu 3, arXiv:2411.15124. */
  sigmoid_norm: (p) => cost(multiply(normalisedDelta(p), p.beta)),
};
