/**
 * How tokens belong to sequences, so that one loss serves both layouts of a batch:
 * - a grid [B, T] with a mask,
 * - packed [N]: the counted tokens of all sequences one after another, with each one's sequence index.
 */
import { TenetError } from '../base/index.ts';
import {
  addRows,
  divide,
  formatShape,
  gatherRows,
  greater,
  maximum,
  reshape,
  sum,
  type Tensor,
  where,
} from '../tensor/index.ts';

export interface TokenLayout {
  /** Real, 1 = counted, in the shape of every tensor of tokens: [B, T] or [N]. */
  readonly counted: Tensor;
  /** [B] counted tokens of each sequence; no gradient. */
  readonly lengths: Tensor;
  /** Values of tokens where counted, 0 elsewhere. */
  keep(values: Tensor): Tensor;
  /** Sum over each sequence's counted tokens: tokens → [B]. */
  sumPerSequence(values: Tensor): Tensor;
  /** Mean over each sequence's counted tokens, 0 for a sequence without any: tokens → [B]. */
  meanPerSequence(values: Tensor): Tensor;
  /** Each sequence's value beside its tokens: [B] → something that broadcasts with tokens. */
  toTokens(perSequence: Tensor): Tensor;
}

/** Tokens in a grid. @param counted [B, T] real, 1 = counted */
export function gridLayout(counted: Tensor): TokenLayout {
  if (counted.rank !== 2) {
    throw new TenetError('shape', `gridLayout: the mask must be [B, T], got ${formatShape(counted.shape)}`);
  }
  const isCounted = greater(counted, 0);
  const keep = (values: Tensor): Tensor => where(isCounted, values, 0);
  const sumPerSequence = (values: Tensor): Tensor => sum(keep(values), { axes: [1] });
  return layout(counted, keep, sumPerSequence, (values) => reshape(values, [counted.shape[0], 1]));
}

/**
 * Tokens one after another.
 * @param options.sequence [N] int32 or int64 index of each token's sequence, in [0, B)
 * @param options.counted  [N] real, 1 = counted, 0 = filling (with any valid sequence index)
 * @param options.like     any real [B] tensor, for the number of sequences
 */
export function packedLayout(options: {
  readonly sequence: Tensor;
  readonly counted: Tensor;
  readonly like: Tensor;
}): TokenLayout {
  const { sequence, counted, like } = options;
  if (counted.rank !== 1 || sequence.rank !== 1 || like.rank !== 1) {
    const shapes = [sequence, counted, like].map(({ shape }) => formatShape(shape)).join(', ');
    throw new TenetError(
      'shape',
      `packedLayout: needs sequence [N], counted [N] and like [B], got ${shapes}`,
    );
  }
  const isCounted = greater(counted, 0);
  const keep = (values: Tensor): Tensor => where(isCounted, values, 0);
  const toTokens = (values: Tensor): Tensor => gatherRows(values, sequence);
  const sumPerSequence = (values: Tensor): Tensor => {
    const kept = keep(values);
    const sums = addRows(like, sequence, kept);
    kept.graph.differentiable([kept], [sums], ([gradient]) => [toTokens(gradient!)]);
    return sums;
  };
  return layout(counted, keep, sumPerSequence, toTokens);
}

function layout(
  counted: Tensor,
  keep: TokenLayout['keep'],
  sumPerSequence: TokenLayout['sumPerSequence'],
  toTokens: TokenLayout['toTokens'],
): TokenLayout {
  const lengths = sumPerSequence(counted);
  return {
    counted,
    lengths,
    keep,
    sumPerSequence,
    meanPerSequence: (values) => divide(sumPerSequence(values), maximum(lengths, 1)),
    toTokens,
  };
}
