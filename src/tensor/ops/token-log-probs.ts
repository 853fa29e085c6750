/**
 * Log-probabilities of chosen tokens straight from hidden states: the output projection, the softmax and the
 * choice as one operator.
 *
 * Only two arrays of vocabulary width exist at any time, the logits and their softmax, and the gradient needs
 * only the softmax: with e = softmax(h Wᵀ) − onehot(target), the gradient of log p[target] scaled by g is
 *   dh = −g · (e W)      dW = −eᵀ (g · h)
 * and e differs from the softmax in one value per row, which is written into it. Callers pass only the rows that
 * count.
 */
import { shapeError, type Tensor } from '../graph.ts';
import { reshape, sum } from './broadcast.ts';
import { add, equal, log, multiply, negate, stopGradient, subtract, toReal } from './elementwise.ts';
import { gatherElements } from './gather.ts';
import { matmul } from './matmul.ts';
import { max } from './reduce.ts';

/** What was found by reading probabilities, by probabilities; [N] each. */
const readersOf = new WeakMap<Tensor, Tensor[]>();

export interface TokenLogProbs {
  /** [N] log-probability of each target, nats. Differentiable. */
  readonly logProbs: Tensor;
  /** [N] 1 where the target is a most likely token. No gradient. */
  readonly isArgmax: Tensor;
  /** [N] log Σ exp(logits). No gradient. */
  readonly logNormaliser: Tensor;
  /** [N, V] softmax of the logits. No gradient. */
  readonly probabilities: Tensor;
  /** [N, V] logits, temperature applied. Differentiable. */
  readonly logits: Tensor;
}

/**
 * @param hidden  [N, D] final hidden states of the rows that count
 * @param weight  [V, D] output projection
 * @param targets [N] int32 or int64 token ids
 * @param options.bias [V] output bias, rarely present
 * @param options.temperature logits are divided by it before the softmax. Default 1.
 */
export function tokenLogProbs(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: { readonly bias?: Tensor | null; readonly temperature?: number } = {},
): TokenLogProbs {
  const { graph } = hidden;
  const [rows, width] = hidden.shape;
  if (hidden.rank !== 2 || weight.rank !== 2 || weight.shape[1] !== width || targets.shape[0] !== rows) {
    throw shapeError('tokenLogProbs', [hidden, weight, targets], 'needs [N, D], [V, D] and [N]');
  }
  const scale = 1 / (options.temperature ?? 1);
  const bias = options.bias ?? null;
  const product = matmul(hidden, weight, { transposeB: true, scale });
  const logits = bias ? add(product, multiply(bias, scale)) : product; // [N, V]
  const [probabilities] = graph.node({
    operator: 'Softmax',
    inputs: [logits],
    outputs: [{ dtype: logits.dtype, shape: logits.shape }],
    attributes: { axis: -1 },
  });
  // The largest probability is at least 1/V, so its logarithm never underflows: the log of the normaliser is
  // the largest logit minus it.
  const largest = max(logits, { axes: [-1], keep: true });
  const largestLogProb = log(max(probabilities, { axes: [-1], keep: true })); // [N, 1]
  const column = reshape(targets, [rows, 1]);
  const chosen = gatherElements(logits, column, 1); // [N, 1]
  // Subtracting the largest logit first keeps the digits that a normaliser of its size would round away.
  const logProbs = reshape(add(subtract(chosen, largest), largestLogProb), [rows]);

  graph.differentiable([hidden, weight, bias], [logProbs], ([g]) => {
    // ONNX Runtime subtracts in place where all others have read the probabilities before, and lets go of the logits: so
    // the −1 is made of what they found.
    const found = [logProbs, ...(readersOf.get(probabilities) ?? [])];
    const nothing = found.map((values) => multiply(stopGradient(values), 0)).reduce((a, b) => add(a, b));
    const [errors] = graph.node({
      operator: 'ScatterElements',
      inputs: [probabilities, column, reshape(subtract(nothing, 1), [rows, 1])],
      outputs: [{ dtype: logits.dtype, shape: logits.shape }],
      attributes: { axis: 1, reduction: 'add' },
    });
    const perRow = reshape(multiply(g!, -scale), [rows, 1]); // [N, 1]
    const biasGradient = bias && matmul(errors, perRow, { transposeA: true });
    return [
      multiply(matmul(errors, weight), perRow),
      matmul(errors, multiply(hidden, perRow), { transposeA: true }),
      biasGradient && reshape(biasGradient, bias!.shape),
    ];
  });
  return {
    logProbs,
    isArgmax: reshape(toReal(equal(chosen, largest)), [rows]),
    logNormaliser: stopGradient(reshape(subtract(largest, largestLogProb), [rows])),
    probabilities,
    logits,
  };
}

/**
 * Entropy of each row's distribution: log normaliser − Σ p · logit, nats.
 *
 * Differentiable through the logits when `logits` is.
 * @param logits [N, V]
 * @returns [N]
 */
export function entropyFromLogits(logits: Tensor, probabilities: Tensor, logNormaliser: Tensor): Tensor {
  const mean = sum(multiply(probabilities, logits), { axes: [-1] }); // [N]
  readersOf.set(probabilities, [...(readersOf.get(probabilities) ?? []), mean]);
  const result = subtract(logNormaliser, mean);
  // dH/dlogit_j = −p_j (log p_j + H)
  logits.graph.differentiable([logits], [result], ([g]) => {
    const logProbability = subtract(logits, reshape(logNormaliser, [-1, 1]));
    const slope = negate(multiply(probabilities, add(logProbability, reshape(result, [-1, 1]))));
    return [multiply(slope, reshape(g!, [-1, 1]))];
  });
  return result;
}
