/**
 * The loss of a linear probe that watches a text token by token: what decides is where it is most suspicious.
 *
 * Shapes: P texts, T tokens.
 * @see Cunningham et al. 2026, "Constitutional Classifiers++", arXiv:2601.04603: scores smoothed over a window, and a
 *   loss weighted by their softmax
 */
import { TenetError } from '../base/index.ts';
import {
  and,
  divide,
  greater,
  greaterOrEqual,
  less,
  matmul,
  maximum,
  multiply,
  range,
  reshape,
  softmax,
  softplus,
  subtract,
  sum,
  type Tensor,
  toReal,
  where,
} from '../tensor/index.ts';
import { keepCounted } from './masked-tensor.ts';

export interface ProbeLossOptions {
  /** [P, T] raw score of each token; differentiated. */
  readonly logits: Tensor;
  /** [P, T] real, 1 = counted; each text has at least one. */
  readonly counted: Tensor;
  /** [P] real, 1 = harmful. */
  readonly labels: Tensor;
  /** [P] real. */
  readonly weights: Tensor;
  /** Tokens that a score is averaged over, the token itself included. */
  readonly window: number;
  /** Of the softmax over the tokens of a text; lower = the highest score alone decides. Default 1. */
  readonly temperature?: number;
}

/**
 * With z̄_t the mean of the counted scores among the last `window` tokens up to t, and a = softmax over counted t of z̄ / τ:
 *
 *     loss = Σ_p w_p Σ_t a_pt ℓ(z̄_pt) / Σ w,   ℓ(z) = softplus(z) − y z
 *
 * A harmful text is pushed up where it is highest already, a harmless one down there.
 * @throws TenetError('usage') for a window below 1 or a temperature that is not above 0
 */
export function probeLoss(options: ProbeLossOptions): Tensor {
  const { logits, counted, labels, weights, window, temperature = 1 } = options;
  if (!(Number.isInteger(window) && window >= 1 && temperature > 0)) {
    throw new TenetError(
      'usage',
      `probeLoss: window ${window} must be a whole number from 1, temperature ${temperature} above 0`,
    );
  }
  const smooth = windowMean(logits, counted, window);
  const attention = softmax(where(greater(counted, 0), divide(smooth, temperature), -1e30)); // [P, T]
  const label = reshape(labels, [...labels.shape, 1]);
  const cost = subtract(softplus(smooth), multiply(smooth, label));
  const perText = sum(multiply(attention, keepCounted(cost, counted)), { axes: [1] }); // [P]
  return divide(sum(multiply(perText, weights)), maximum(sum(weights), 1e-12));
}

/** [P, T] mean of the counted values among the last `window` places up to each; 0 where there is none. */
function windowMean(values: Tensor, counted: Tensor, window: number): Tensor {
  const { graph } = values;
  const [, length] = values.shape;
  const places = range(graph, length);
  const [from, to] = [reshape(places, [length, 1]), reshape(places, [1, length])];
  const gap = subtract(to, from); // [T, T] tokens from row to column
  const isIn = and(greaterOrEqual(gap, graph.integers([0], [])), less(gap, graph.integers([window], [])));
  const band = toReal(isIn);
  const kept = keepCounted(values, counted);
  return divide(matmul(kept, band), maximum(matmul(counted, band), 1));
}
