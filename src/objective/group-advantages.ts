/**
 * Advantages from groups: several responses to one prompt are each other's baseline, so no value model is needed.
 *
 * Rewards are in groups of `groupSize` that stand together. NaN marks a response that nothing could score: it
 * is left out of its group's statistics and gets advantage 0.
 */
import { TenetError } from '../base/index.ts';
import { knownMoments } from './known-moments.ts';
import type { Values } from './masked.ts';

export interface GroupAdvantages {
  /** [B] */
  readonly advantages: Float32Array;
  /** Part of the responses whose rewards had no spread, so that nothing can be learnt from them. */
  readonly fractionWithoutSpread: number;
}

/** Added to the deviation by GRPO's implementations (TRL). */
const groupEps = 1e-4;

/**
 * GRPO: (reward − mean of the group) / (deviation + eps), with Bessel's correction.
 * @param options.rewards   [B], NaN = could not be scored
 * @param options.groupSize responses per prompt
 * @param options.scale     deviation of the `group`, of the whole `batch` (arXiv:2508.08221), or `none`
 *   (Dr. GRPO, arXiv:2503.20783, which finds that dividing favours prompts with little spread). Default group
 * @param options.eps       default 1e-4
 * @see Shao et al. 2024, arXiv:2402.03300, section 4.1.2.
 */
export function groupAdvantages(options: {
  readonly rewards: Values;
  readonly groupSize: number;
  readonly scale?: 'group' | 'batch' | 'none';
  readonly eps?: number;
}): GroupAdvantages {
  const { rewards, groupSize, scale = 'group', eps = groupEps } = options;
  checkGroups('groupAdvantages', rewards, groupSize);
  const groups = split(rewards, groupSize).map((group) => knownMoments(group));
  const whole = knownMoments(Array.from(rewards));
  let flat = 0;
  const advantages = Float32Array.from(rewards, (reward, i) => {
    const group = groups[Math.floor(i / groupSize)];
    const deviation = scale === 'batch' ? whole.deviation : group.deviation;
    if (!(deviation > closeToZero)) flat++;
    if (Number.isNaN(reward)) return 0;
    const centred = reward - group.mean;
    return scale === 'none' ? centred : centred / (deviation + eps);
  });
  return { advantages, fractionWithoutSpread: rewards.length ? flat / rewards.length : 0 };
}

/**
 * RLOO: reward − mean reward of the *other* responses of the group.
 * @param options.rewards   [B], NaN = could not be scored; the KL penalty is part of them
 * @param options.groupSize responses per prompt, at least 2
 * @param options.normalise true: also to mean 0 and deviation 1 over the batch. Default false (TRL)
 * @see Ahmadian et al. 2024, arXiv:2402.14740; Kool et al. 2019, "Buy 4 REINFORCE samples".
 */
export function leaveOneOutAdvantages(options: {
  readonly rewards: Values;
  readonly groupSize: number;
  readonly normalise?: boolean;
}): GroupAdvantages {
  const { rewards, groupSize, normalise = false } = options;
  checkGroups('leaveOneOutAdvantages', rewards, groupSize);
  if (groupSize < 2) {
    throw new TenetError(
      'usage',
      `leaveOneOutAdvantages: groupSize ${groupSize} leaves no other response for a baseline; use at least 2`,
    );
  }
  let flat = 0;
  const raw = split(rewards, groupSize).flatMap((group) => {
    const { count, sum, deviation } = knownMoments(group);
    if (!(deviation > closeToZero)) flat += group.length;
    return group.map((reward) => (count < 2 ? Number.NaN : reward - (sum - reward) / (count - 1)));
  });
  const { mean, deviation } = knownMoments(raw);
  const advantages = Float32Array.from(raw, (value) => {
    if (Number.isNaN(value)) return 0;
    return normalise ? (value - mean) / (deviation + groupEps) : value;
  });
  return { advantages, fractionWithoutSpread: rewards.length ? flat / rewards.length : 0 };
}

/**
 * Several rewards into one, by weights: each weighted and summed; one that is NaN is left out, and where all are
 * NaN the result is NaN.
 * @param rewards [K][B] one list per reward
 * @param weights [K]
 * @returns [B]
 */
export function weightedRewards(rewards: readonly Values[], weights: readonly number[]): Float64Array {
  checkRewardLists('weightedRewards', rewards, weights);
  return Float64Array.from({ length: rewards[0].length }, (_, i) => {
    const known = rewards.map((list, k) => weights[k] * list[i]).filter((value) => !Number.isNaN(value));
    return known.length ? known.reduce((a, b) => a + b, 0) : Number.NaN;
  });
}

/**
 * Several rewards, each normalised within its group before they are weighted and summed, then normalised over the
 * batch: a reward with a large spread cannot drown the others.
 * @param options.rewards [K][B], NaN = does not apply
 * @see Liu et al. 2026, "GDPO", arXiv:2601.05242.
 */
export function normaliseThenSumAdvantages(options: {
  readonly rewards: readonly Values[];
  readonly weights: readonly number[];
  readonly groupSize: number;
}): GroupAdvantages {
  const { rewards, weights, groupSize } = options;
  checkRewardLists('normaliseThenSumAdvantages', rewards, weights);
  const normalised = rewards.map((list) => {
    checkGroups('normaliseThenSumAdvantages', list, groupSize);
    return split(list, groupSize).flatMap((group) => {
      const { mean, deviation } = knownMoments(group);
      return group.map((reward) => (reward - mean) / (deviation + groupEps));
    });
  });
  const total = weightedRewards(normalised, weights);
  const { mean, deviation } = knownMoments(Array.from(total));
  const advantages = Float32Array.from(total, (value) =>
    Number.isNaN(value) ? 0 : (value - mean) / (deviation + groupEps),
  );
  return { advantages, fractionWithoutSpread: deviation > closeToZero ? 0 : 1 };
}

const closeToZero = 1e-8;

function split(values: Values, size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, g) =>
    Array.from(values.slice(g * size, (g + 1) * size)),
  );
}

function checkGroups(name: string, rewards: Values, groupSize: number): void {
  if (Number.isInteger(groupSize) && groupSize >= 1 && rewards.length % groupSize === 0) return;
  throw new TenetError('shape', `${name}: ${rewards.length} rewards do not make groups of ${groupSize}`);
}

function checkRewardLists(name: string, rewards: readonly Values[], weights: readonly number[]): void {
  const lengths = rewards.map((list) => list.length);
  if (rewards.length > 0 && weights.length === rewards.length && new Set(lengths).size === 1) return;
  throw new TenetError(
    'shape',
    `${name}: ${rewards.length} rewards of lengths ${lengths.join(', ')} with ${weights.length} weights; there must ` +
      'be one weight per reward, and all must be equally long',
  );
}
