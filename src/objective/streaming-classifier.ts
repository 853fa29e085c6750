/**
 * The loss of a classifier that gives a verdict at every token, so that a stream can be stopped at the first bad one.
 *
 * Shapes: P tracks (one score of one text each), T tokens.
 * @see Sharma et al. 2025, "Constitutional Classifiers", arXiv:2501.18837: the output classifier's head and its move
 *   from the token's own prediction to the cumulative maximum
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  cumulativeMax,
  divide,
  equal,
  greater,
  max,
  maximum,
  multiply,
  reshape,
  softplus,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  toReal,
} from '../tensor/index.ts';
import { keepCounted } from './masked-tensor.ts';

export interface StreamingClassifierOptions {
  /** [P, T] raw score of each token, in nats of log-odds; differentiated. */
  readonly logits: Tensor;
  /** [P, T] real, 1 = the token is judged. A track without any counts for nothing. */
  readonly counted: Tensor;
  /** [P] real, 1 = the whole text goes against the policy, 0 = it does not. */
  readonly labels: Tensor;
  /** [P] real weight of each track. */
  readonly weights: Tensor;
  /** Scalar the weighted sum is divided by: the weights of the whole accumulated batch. Default: their sum here. */
  readonly normaliser?: Tensor;
  /** Scalar in [0, 1]: 0 = every token by itself, 1 = the largest score so far. See `blendAt`. */
  readonly blend: Tensor;
}

export interface StreamingClassifierResult {
  readonly loss: Tensor;
  readonly metrics: {
    /** Sum over tracks that have tokens of 1 where the largest score is on the label's side of 0; adds up. */
    readonly correct: Tensor;
    /** Tracks that have tokens. */
    readonly tracks: Tensor;
  };
}

/**
 * With z the scores, m_t = max over counted s ≤ t of z_s, y the label, ω the blend, and
 * ℓ(z) = softplus(z) − y z = −y log σ(z) − (1 − y) log σ(−z):
 *
 *     loss = Σ_p w_p · mean over counted t of ((1 − ω) ℓ(z_pt) + ω ℓ(m_pt)) / Σ w
 *
 * Each text weighs the same however long it is. At ω = 1 a harmless text has to stay low at every token, since one
 * high score is never taken back, while a harmful one has to rise once and early.
 */
export function streamingClassifierLoss(options: StreamingClassifierOptions): StreamingClassifierResult {
  const { logits, counted, labels, weights, blend } = options;
  const kept = keepCounted(logits, counted);
  const soFar = cumulativeMax(kept, counted);
  const label = reshape(labels, [...labels.shape, 1]);
  const cost = (z: Tensor): Tensor => subtract(softplus(z), multiply(z, label)); // [P, T]
  const perToken = add(multiply(cost(kept), subtract(1, blend)), multiply(cost(soFar), blend));
  const tokens = sum(counted, { axes: [1] }); // [P]
  const perTrack = divide(sum(keepCounted(perToken, counted), { axes: [1] }), maximum(tokens, 1));
  const isJudged = toReal(greater(tokens, 0)); // [P]
  const used = multiply(weights, isJudged);
  const normaliser = options.normaliser ?? maximum(sum(used), 1e-12);
  const loss = divide(sum(multiply(perTrack, used)), normaliser);

  const flags = max(keepCounted(toReal(greater(kept, 0)), counted), { axes: [1] }); // [P]
  const correct = multiply(toReal(equal(flags, toReal(greater(labels, 0.5)))), isJudged);
  return {
    loss,
    metrics: { correct: stopGradient(sum(correct)), tracks: stopGradient(sum(isJudged)) },
  };
}

/**
 * The blend at a step: 0 until `from`, then in a straight line to 1 at `to`, both as parts of the run. Early in training
 * scores are noise, and the largest of many noisy scores teaches little.
 * @param done part of the steps that are done, in [0, 1]
 * @throws TenetError('usage') unless 0 ≤ from ≤ to ≤ 1
 */
export function blendAt(done: number, { from, to }: { readonly from: number; readonly to: number }): number {
  if (!(from >= 0 && from <= to && to <= 1)) {
    throw new TenetError('usage', `blendAt: from ${from} and to ${to} must be in order within [0, 1]`);
  }
  if (done <= from) return to === 0 ? 1 : 0;
  return done >= to ? 1 : (done - from) / (to - from);
}
