/**
 * REINFORCE++: advantages without a value model, normalised over the whole batch; its loss is PPO's clipped one
 * (`ppoPolicyLoss`).
 * @see Hu et al. 2025, arXiv:2501.03262.
 */
import { TenetError } from '../base/index.ts';
import { type Counted, maskedWhiten, type Values } from './masked.ts';

/**
 * The sum of the rewards from each token to the end of its response (KL penalties, and the score at the last
 * token), whitened over all counted tokens of the batch.
 * @param options.rewards   [B, T] from `shapeRewards`; 0 where not counted
 * @param options.counted   [B, T] 1 = counted
 * @param options.sequences B
 * @param options.gamma     discount per token. Default 1
 * @returns [B, T], 0 where not counted
 */
export function reinforcePlusPlusAdvantages(options: {
  readonly rewards: Float32Array;
  readonly counted: Counted;
  readonly sequences: number;
  readonly gamma?: number;
}): Float32Array {
  const { rewards, counted, sequences, gamma = 1 } = options;
  const tokens = counted.length / sequences;
  if (rewards.length !== counted.length || !Number.isInteger(tokens)) {
    throw new TenetError(
      'shape',
      `reinforcePlusPlusAdvantages: ${rewards.length} rewards and a mask of ${counted.length} for ${sequences} sequences`,
    );
  }
  const returns = new Float32Array(counted.length);
  for (let row = 0; row < sequences; row++) {
    let ahead = 0;
    for (let i = (row + 1) * tokens - 1; i >= row * tokens; i--) {
      if (counted[i] === 0) continue;
      ahead = rewards[i] + gamma * ahead;
      returns[i] = ahead;
    }
  }
  return maskedWhiten(returns, counted);
}

/**
 * The baseline form: score less the group's mean, at every counted token, whitened over the batch. The KL penalty
 * goes into the loss here (estimator k2), not into the reward.
 * @param options.scores    [B], in groups that stand together
 * @param options.counted   [B, T] 1 = counted
 * @param options.groupSize responses per prompt
 * @returns [B, T], 0 where not counted
 */
export function reinforcePlusPlusBaselineAdvantages(options: {
  readonly scores: Values;
  readonly counted: Counted;
  readonly groupSize: number;
}): Float32Array {
  const { scores, counted, groupSize } = options;
  const tokens = counted.length / scores.length;
  if (!Number.isInteger(tokens) || scores.length % groupSize !== 0) {
    throw new TenetError(
      'shape',
      `reinforcePlusPlusBaselineAdvantages: ${scores.length} scores do not make groups of ${groupSize}, or rows of ` +
        `a mask of ${counted.length}`,
    );
  }
  const perToken = new Float32Array(counted.length);
  for (let first = 0; first < scores.length; first += groupSize) {
    const group = Array.from(scores.slice(first, first + groupSize));
    const mean = group.reduce((a, b) => a + b, 0) / groupSize;
    group.forEach((score, k) => {
      perToken.fill(score - mean, (first + k) * tokens, (first + k + 1) * tokens);
    });
  }
  return maskedWhiten(perToken, counted);
}
