/**
 * Several reward models' scores into one, with how far they disagree.
 *
 * Shapes: M members, B responses.
 * @see Coste et al. 2023, "Reward model ensembles help mitigate overoptimization", arXiv:2310.02743, section 3.
 */
import { TenetError } from '../base/index.ts';
import type { Values } from './masked.ts';

/**
 * `mean`; `worst`: the lowest score (Coste et al.: WCO); `minus_variance`: mean − λ · variance (UWO);
 * `minus_deviation`: mean − λ · standard deviation, which has the reward's units.
 */
export const ensembleRules = ['mean', 'worst', 'minus_variance', 'minus_deviation'] as const;
export type EnsembleRule = (typeof ensembleRules)[number];

export interface EnsembleRewards {
  /** [B] */
  readonly rewards: Float32Array;
  /** [B] standard deviation of the members' scores (divided by M, not M − 1, as in the paper), reward units. */
  readonly spreads: Float32Array;
}

/**
 * @param options.members [M][B]
 * @param options.rule         default mean
 * @param options.spreadWeight λ ≥ 0. Default 0.5
 * @param options.centres [M] each member's mean score on common data. Bradley-Terry fixes scores only up to a constant,
 *   so members are shifted to their common mean first: a constant is no disagreement. Default: as they are
 * @throws TenetError('shape') for members of different lengths, TenetError('usage') for a negative λ
 */
export function ensembleRewards(options: {
  readonly members: readonly Values[];
  readonly rule?: EnsembleRule;
  readonly spreadWeight?: number;
  readonly centres?: readonly number[];
}): EnsembleRewards {
  const { members, rule = 'mean', spreadWeight = 0.5, centres } = options;
  checkMembers(members, spreadWeight, centres);
  const common = centres && centres.reduce((sum, centre) => sum + centre, 0) / centres.length;
  const shifts = members.map((_, m) => (centres && common !== undefined ? common - centres[m] : 0));
  const size = members[0].length;
  const rewards = new Float32Array(size);
  const spreads = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const scores = members.map((member, m) => member[i] + shifts[m]);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
    spreads[i] = Math.sqrt(variance);
    rewards[i] = {
      mean,
      worst: Math.min(...scores),
      minus_variance: mean - spreadWeight * variance,
      minus_deviation: mean - spreadWeight * Math.sqrt(variance),
    }[rule];
  }
  return { rewards, spreads };
}

function checkMembers(
  members: readonly Values[],
  spreadWeight: number,
  centres: readonly number[] | undefined,
): void {
  const lengths = members.map(({ length }) => length);
  if (new Set(lengths).size !== 1 || (centres && centres.length !== members.length)) {
    throw new TenetError(
      'shape',
      `ensembleRewards: members of lengths ${lengths.join(', ') || 'none'} with ${centres?.length ?? 'no'} centres; all ` +
        'must score the same responses, and centres are one per member',
    );
  }
  if (!(spreadWeight >= 0)) {
    throw new TenetError('usage', `ensembleRewards: spreadWeight is ${spreadWeight}, must be ≥ 0`);
  }
}
