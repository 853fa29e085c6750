/**
 * From a response's score to a reward per token, for PPO.
 *
 * Shapes: B responses, T tokens; arrays row-major.
 */
import { TenetError } from '../base/index.ts';
import { type KlEstimator, klPerToken } from './kl.ts';
import type { Counted, Values } from './masked.ts';
import type { RunningMoments } from './running-moments.ts';

/**
 * Makes reward-model scores fit to train on, in this order: normalise by running moments (which first take the
 * scores in), clip, subtract the penalty for not ending. The penalty comes last so that clipping cannot hide it.
 * @param options.scores  [B] reward-model scores
 * @param options.ended   [B] 1 = the response ended with an end token
 * @param options.moments running moments to update and normalise by; default none
 * @param options.keepMean with moments: true divides by the deviation only. Default false
 * @param options.clip    scores are limited to ±clip, or to [lowest, highest], after normalisation; null = not.
 *   Default null (trlX, OpenRLHF: 10)
 * @param options.missingEosPenalty subtracted where `ended` is 0, score units, ≥ 0; null = none. Default null (TRL)
 * @param options.allowUnscored true: NaN marks a response that nothing could score, and stays NaN. Default false
 * @returns [B]
 * @throws TenetError('training') naming every score that is not finite
 */
export function conditionScores(options: {
  readonly scores: Values;
  readonly ended: Counted;
  readonly moments?: RunningMoments;
  readonly keepMean?: boolean;
  readonly clip?: number | readonly [number, number] | null;
  readonly missingEosPenalty?: number | null;
  readonly allowUnscored?: boolean;
}): Float32Array {
  const { scores, ended, moments, clip = null, missingEosPenalty = null } = options;
  const [lowest, highest] = typeof clip === 'number' ? [-clip, clip] : (clip ?? [-Infinity, Infinity]);
  if (scores.length !== ended.length) {
    throw new TenetError(
      'shape',
      `conditionScores: ${scores.length} scores but ${ended.length} end marks; both are one per response`,
    );
  }
  if (!(lowest < highest) || (missingEosPenalty !== null && !(missingEosPenalty >= 0))) {
    throw new TenetError(
      'usage',
      `conditionScores: clip ${clip} must be > 0 (or rise from lowest to highest) and missingEosPenalty ${missingEosPenalty} ≥ 0, or null`,
    );
  }
  requireFinite('conditionScores', scores, options.allowUnscored);
  moments?.add(scores);
  const result = moments
    ? moments.normalise(scores, { keepMean: options.keepMean })
    : Float32Array.from(scores);
  for (let i = 0; i < result.length; i++) {
    result[i] = Math.min(highest, Math.max(lowest, result[i]));
    if (missingEosPenalty !== null && ended[i] === 0) result[i] -= missingEosPenalty;
  }
  return result;
}

export interface ShapedRewards {
  /** [B, T] −coefficient · KL at every counted token, plus the score at the last; 0 elsewhere. */
  readonly rewards: Float32Array;
  /** [B] divergence from the reference summed over the response, nats (may be negative with k1). */
  readonly kl: Float32Array;
  /** [B] −coefficient · kl: what the penalty adds to the score (TRL's non_score_reward). */
  readonly nonScoreRewards: Float32Array;
  /** [B] score + nonScoreRewards = Σ rewards: what PPO maximises (TRL's rlhf_reward). */
  readonly totals: Float32Array;
}

/**
 * r_t = −coefficient · KL_t, and the score on top at the last counted token.
 * @param options.scores            [B]
 * @param options.logProbs          [B, T] of the policy that sampled, nats
 * @param options.referenceLogProbs [B, T] of the frozen reference model
 * @param options.counted           [B, T] 1 = sampled token, the end token included
 * @param options.klCoefficient     reward units per nat, ≥ 0. TRL's default 0.05
 * @param options.klEstimator       default k1 (Ziegler et al. 2019)
 * @throws TenetError('training') naming every response without a counted token (its score would be lost), and
 *   every score that is not finite
 * @see Ziegler et al. 2019, arXiv:1909.08593, eq. 2; Ouyang et al. 2022, arXiv:2203.02155, eq. 2.
 */
export function shapeRewards(options: {
  readonly scores: Values;
  readonly logProbs: Float32Array;
  readonly referenceLogProbs: Float32Array;
  readonly counted: Counted;
  readonly klCoefficient: number;
  readonly klEstimator?: KlEstimator;
}): ShapedRewards {
  const { scores, logProbs, referenceLogProbs, counted, klCoefficient, klEstimator = 'k1' } = options;
  const rows = scores.length;
  const tokens = counted.length / rows;
  if (!Number.isInteger(tokens)) {
    throw new TenetError(
      'shape',
      `shapeRewards: a mask of ${counted.length} does not make ${rows} equal rows, one per score`,
    );
  }
  requireFinite('shapeRewards', scores);
  const rewards = klPerToken({ logProbs, referenceLogProbs, counted, estimator: klEstimator });
  const kl = new Float32Array(rows);
  const nonScoreRewards = new Float32Array(rows);
  const totals = new Float32Array(rows);
  const empty: number[] = [];
  for (let row = 0; row < rows; row++) {
    let last = -1;
    let divergence = 0;
    for (let i = row * tokens; i < (row + 1) * tokens; i++) {
      if (counted[i] === 0) continue;
      last = i;
      divergence += rewards[i];
      rewards[i] *= -klCoefficient;
    }
    if (last < 0) empty.push(row);
    else rewards[last] += scores[row];
    kl[row] = divergence;
    nonScoreRewards[row] = -klCoefficient * divergence;
    totals[row] = scores[row] + nonScoreRewards[row];
  }
  if (empty.length) {
    throw new TenetError(
      'training',
      `shapeRewards: ${list('response', empty)} have no counted token, so their scores have no place to go; ` +
        'leave empty responses out, or count the end token',
      { details: { rows: empty } },
    );
  }
  return { rewards, kl, nonScoreRewards, totals };
}

function requireFinite(where: string, scores: Values, allowNaN = false): void {
  const bad = Array.from(scores.keys()).filter(
    (i) => !Number.isFinite(scores[i]) && !(allowNaN && Number.isNaN(scores[i])),
  );
  if (bad.length === 0) return;
  throw new TenetError(
    'training',
    `${where}: ${list('score', bad)} are not finite (first: ${scores[bad[0]]}); check the reward model or function`,
    { details: { rows: bad } },
  );
}

function list(noun: string, indices: readonly number[]): string {
  const shown = indices.slice(0, 8).join(', ');
  return `${noun}s ${shown}${indices.length > 8 ? ` and ${indices.length - 8} more` : ''}`;
}
