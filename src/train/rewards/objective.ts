/** One objective among several: what a response is worth by one measure. */
import type { RewardFunction, RewardItem } from '../reward-function.ts';

/** What an objective says of responses. */
export interface ObjectiveScores {
  /** One per item, in the objective's own units; null (or NaN) = it does not apply to this one. */
  readonly values: ArrayLike<number | null>;
  /** One per item: how far the members of an ensemble disagree, the same units. */
  readonly spreads?: ArrayLike<number>;
}

export interface Objective {
  /** For metrics and reports; unique within a mix. */
  readonly name: string;
  score(items: readonly RewardItem[]): Promise<ObjectiveScores>;
  /** What it counts in the sum; may be negative. Default 1, or 0 for one that has a bound. */
  readonly weight?: number;
  /** A bound on its mean over responses, held by a Lagrange multiplier; its own units. At most one of the two. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** An objective from any reward function. */
export function objectiveOf(
  name: string,
  reward: RewardFunction,
  role: Pick<Objective, 'weight' | 'atLeast' | 'atMost'> = {},
): Objective {
  return { name, ...role, score: async (items) => ({ values: await reward(items) }) };
}
