/**
 * The Bradley–Terry loss of reward models, over pairs or over all pairs of rankings.
 *
 * Shapes: R responses, P pairs.
 * @see Bradley and Terry 1952, Biometrika 39; Ouyang et al. 2022, arXiv:2203.02155, eq. 1.
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  divide,
  equal,
  expand,
  gatherRows,
  greater,
  logSigmoid,
  max,
  maximum,
  mean,
  multiply,
  negate,
  not,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  toReal,
} from '../tensor/index.ts';

export interface BradleyTerryOptions {
  /** [R] score of every response; differentiated. */
  readonly scores: Tensor;
  /** [P] int32 index of the better response of each pair. */
  readonly better: Tensor;
  /** [P] int32 index of the worse one. */
  readonly worse: Tensor;
  /** [P] real weight of each pair. Default: all 1. */
  readonly weights?: Tensor;
  /** Scalar the weighted sum is divided by (rankings or pairs of the whole accumulated batch). Default Σ weights. */
  readonly normaliser?: Tensor;
  /** [P] real probability that `better` is better: 1 certain, ½ a tie, between for soft labels. Default: all 1. */
  readonly targets?: Tensor;
  /** [P] real gap the scores should have, score units. Default 0 (Touvron et al. 2023, arXiv:2307.09288, eq. 2). */
  readonly margins?: Tensor;
  /** Probability that a label is wrong, in [0, ½). Default 0. */
  readonly labelSmoothing?: number;
  /**
   * Weight of mean (r_better + r_worse)², which holds scores around 0. Default 0.
   * @see Eisenstein et al. 2023, arXiv:2312.09244, eq. 2 (it recommends 0.01).
   */
  readonly centreCoefficient?: number;
}

export interface BradleyTerryResult {
  readonly loss: Tensor;
  readonly metrics: {
    /** Part of the decided pairs (target ≠ ½) that the scores order as the labels do; equal scores are wrong. */
    readonly accuracy: Tensor;
    /** The counts behind it, which add up over batches. */
    readonly correct: Tensor;
    readonly decided: Tensor;
    /** Weighted mean of r_better − r_worse, score units. */
    readonly margin: Tensor;
    readonly minReward: Tensor;
    readonly meanReward: Tensor;
    readonly maxReward: Tensor;
  };
}

/**
 * With d = r_better − r_worse − margin and target q: −q log σ(d) − (1 − q) log σ(−d), averaged by weight.
 *
 * Label smoothing ε turns q into q (1 − ε) + (1 − q) ε. log σ is computed so that no score gap overflows.
 * @throws TenetError('usage') for a label smoothing outside [0, ½) or a negative centring coefficient
 */
export function bradleyTerryLoss(options: BradleyTerryOptions): BradleyTerryResult {
  const { scores, targets, margins, weights, labelSmoothing = 0, centreCoefficient = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5) || !(centreCoefficient >= 0)) {
    throw new TenetError(
      'usage',
      `bradleyTerryLoss: labelSmoothing ${labelSmoothing} must lie in [0, 0.5) and centreCoefficient ` +
        `${centreCoefficient} must not be negative`,
    );
  }
  const better = gatherRows(scores, options.better); // [P]
  const worse = gatherRows(scores, options.worse); // [P]
  const gap = subtract(better, worse);
  const pairWeights = weights ?? expand(scores.graph.scalar(1), gap.shape);
  const normaliser = options.normaliser ?? sum(pairWeights);
  const average = (values: Tensor): Tensor => divide(sum(multiply(values, pairWeights)), normaliser);

  const d = margins ? subtract(gap, margins) : gap;
  let perPair: Tensor;
  if (targets || labelSmoothing > 0) {
    const likely = targets
      ? add(multiply(targets, 1 - 2 * labelSmoothing), labelSmoothing)
      : scores.graph.scalar(1 - labelSmoothing);
    const agree = multiply(likely, logSigmoid(d));
    const disagree = multiply(subtract(1, likely), logSigmoid(negate(d)));
    perPair = negate(add(agree, disagree));
  } else {
    perPair = negate(logSigmoid(d));
  }
  let loss = average(perPair);
  if (centreCoefficient > 0) {
    loss = add(loss, multiply(average(square(add(better, worse))), centreCoefficient));
  }

  const isDecided = targets ? toReal(not(equal(targets, 0.5))) : expand(scores.graph.scalar(1), gap.shape); // [P]
  const prefersBetter = targets ? multiply(gap, subtract(targets, 0.5)) : gap;
  const correct = sum(multiply(toReal(greater(prefersBetter, 0)), isDecided));
  const decided = sum(isDecided);
  return {
    loss,
    metrics: {
      accuracy: divide(correct, maximum(decided, 1)),
      correct,
      decided,
      margin: stopGradient(average(gap)),
      minReward: stopGradient(negate(max(negate(scores)))),
      meanReward: stopGradient(mean(scores)),
      maxReward: stopGradient(max(scores)),
    },
  };
}
