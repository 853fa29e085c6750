/**
 * Several objectives as one reward: summed by weights, some of them held to a bound by a Lagrange multiplier.
 *
 * With multipliers λ the reward is (Σ weight · objective + Σ ± λ · bounded objective) / (1 + Σ λ); dividing keeps its
 * size, and so the meaning of the KL penalty beside it, the same whatever λ is.
 *
 * Shapes: K objectives, B responses in groups that stand together.
 * @see Dai et al. 2023, "Safe RLHF", arXiv:2310.12773, appendix B.
 */
import { TenetError } from '../../base/index.ts';
import {
  createLagrangeMultiplier,
  knownMoments,
  type LagrangeMultiplier,
  type LagrangeOptions,
  type LagrangeState,
  mixRewards,
  type RewardAggregation,
} from '../../objective/index.ts';
import type { RewardFunction, RewardItem } from '../reward-function.ts';
import type { Objective } from './objective.ts';

export interface RewardMixOptions {
  /** Default sum_then_normalize (TRL). */
  readonly aggregation?: RewardAggregation;
  /** How multipliers move, for all bounds. */
  readonly multiplier?: Pick<LagrangeOptions, 'learningRate' | 'initial' | 'min' | 'max' | 'window'>;
}

/** What a checkpoint must hold to continue: the multipliers by objective. */
export type RewardMixState = Readonly<Record<string, LagrangeState>>;

/** What a mix says of a batch. */
export interface MixedRewards {
  /** [B] what is learnt from; NaN where no objective applies. */
  readonly rewards: Float32Array;
  /** [B] Σ weight · objective in the objectives' own units: what reports call the reward. NaN as above. */
  readonly sums: Float32Array;
  /** By objective: [B] its values, NaN where it does not apply. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** By objective, of ensembles only: [B] how far the members disagree. */
  readonly spreads: Readonly<Record<string, Float32Array>>;
  /** By bounded objective: the multiplier that counted here. */
  readonly multipliers: Readonly<Record<string, number>>;
}

/** Where rewards come from: one function, or a mix of objectives. */
export type RewardSource = RewardFunction | RewardMix;

export class RewardMix {
  readonly objectives: readonly Objective[];
  private readonly aggregation: RewardAggregation;
  private readonly constraints: ReadonlyMap<
    string,
    { options: LagrangeOptions; current: LagrangeMultiplier }
  >;

  /** @throws TenetError('usage') naming all that is wrong: no objective, a name twice, two bounds, nothing that counts */
  constructor(objectives: readonly Objective[], options: RewardMixOptions = {}) {
    checkObjectives(objectives);
    this.objectives = objectives;
    this.aggregation = options.aggregation ?? 'sum_then_normalize';
    const standardise = this.aggregation === 'normalize_then_sum';
    this.constraints = new Map(
      objectives.flatMap(({ name, atLeast, atMost }) => {
        const bound = atLeast ?? atMost;
        if (bound === undefined) return [];
        const side = atLeast === undefined ? 'atMost' : 'atLeast';
        const lagrange: LagrangeOptions = { ...options.multiplier, bound, side, standardise };
        return [[name, { options: lagrange, current: createLagrangeMultiplier(lagrange) }]];
      }),
    );
  }

  /** Scores responses; changes nothing. @param groupSize responses to each prompt, which stand together */
  async score(items: readonly RewardItem[], groupSize: number): Promise<MixedRewards> {
    const values: Record<string, Float32Array> = {};
    const spreads: Record<string, Float32Array> = {};
    for (const objective of this.objectives) {
      const { name } = objective;
      const found = await objective.score(items);
      if (found.values.length !== items.length) throw wrongCount(name, found.values.length, items.length);
      values[name] = Float32Array.from(found.values, (value) => value ?? Number.NaN);
      if (found.spreads) spreads[name] = Float32Array.from(found.spreads);
    }
    const multipliers = Object.fromEntries(
      [...this.constraints].map(([name, { current }]) => [name, current.multiplier]),
    );
    const lists = this.objectives.map(({ name }) => values[name]);
    const total = 1 + Object.values(multipliers).reduce((sum, multiplier) => sum + multiplier, 0);
    const coefficients = this.objectives.map(
      (objective) => (weightOf(objective) + signOf(objective) * (multipliers[objective.name] ?? 0)) / total,
    );
    const { aggregation } = this;
    return {
      rewards: Float32Array.from(mixRewards({ values: lists, coefficients, groupSize, aggregation })),
      sums: Float32Array.from(
        mixRewards({
          values: lists,
          coefficients: this.objectives.map(weightOf),
          groupSize,
          aggregation: 'sum_then_normalize',
        }),
      ),
      values,
      spreads,
      multipliers,
    };
  }

  /** Moves the multipliers by what was measured; once per iteration, after its responses were learnt from. */
  observe({ values }: Pick<MixedRewards, 'values'>): void {
    for (const [name, { current }] of this.constraints) current.update(values[name]);
  }

  /** What is recorded of each objective apart. */
  metrics({ values, spreads, multipliers }: MixedRewards): Record<string, number> {
    const metrics: Record<string, number> = {};
    for (const { name } of this.objectives) {
      const { count, mean, deviation } = knownMoments(values[name]);
      const missing = values[name].length - count;
      if (count > 0) metrics[`rewards/${name}/mean`] = mean;
      if (count > 1) metrics[`rewards/${name}/std`] = deviation;
      if (missing > 0) metrics[`rewards/${name}/unscored`] = missing / values[name].length;
      if (name in spreads) metrics[`rewards/${name}/ensemble_spread`] = knownMoments(spreads[name]).mean;
    }
    for (const [name, { options }] of this.constraints) {
      const { mean } = knownMoments(values[name]);
      metrics[`constraints/${name}/multiplier`] = multipliers[name];
      if (!Number.isNaN(mean)) {
        metrics[`constraints/${name}/violation`] =
          options.side === 'atLeast' ? options.bound - mean : mean - options.bound;
      }
    }
    return metrics;
  }

  get state(): RewardMixState {
    return Object.fromEntries([...this.constraints].map(([name, { current }]) => [name, current.state]));
  }

  /** Continues from a saved state. */
  restore(state: RewardMixState): void {
    for (const [name, constraint] of this.constraints) {
      constraint.current = createLagrangeMultiplier(constraint.options, state[name]);
    }
  }
}

/** What a source of rewards says of responses; of a mix also what they are made of. */
export async function scoreWith(
  source: RewardSource,
  items: readonly RewardItem[],
  groupSize: number,
): Promise<{ readonly scores: Float32Array; readonly mixed: MixedRewards | null }> {
  if (source instanceof RewardMix) {
    const mixed = await source.score(items, groupSize);
    return { scores: mixed.rewards, mixed };
  }
  const rewards = await source(items);
  if (rewards.length !== items.length) throw wrongCount(null, rewards.length, items.length);
  return { scores: Float32Array.from(rewards, (value) => value ?? Number.NaN), mixed: null };
}

/** What an objective counts besides its bound. */
export function weightOf({ weight, atLeast, atMost }: Objective): number {
  return weight ?? (atLeast === undefined && atMost === undefined ? 1 : 0);
}

/** A multiplier pushes up what has to be at least something, and down what has to be at most something. */
function signOf({ atMost }: Objective): number {
  return atMost === undefined ? 1 : -1;
}

function wrongCount(name: string | null, given: number, wanted: number): TenetError {
  return new TenetError(
    'training',
    `${name === null ? 'The reward function' : `Objective "${name}"`} gave ${given} rewards for ${wanted} responses; it must give ` +
      'one for each, null where it cannot score.',
  );
}

function checkObjectives(objectives: readonly Objective[]): void {
  const problems: string[] = [];
  const names = objectives.map(({ name }) => name);
  if (objectives.length === 0) problems.push('there is none');
  for (const name of new Set(names.filter((one, i) => names.indexOf(one) !== i))) {
    problems.push(`the name "${name}" is given twice`);
  }
  for (const { name, atLeast, atMost } of objectives) {
    if (atLeast !== undefined && atMost !== undefined) {
      problems.push(`"${name}" has both atLeast and atMost; give one of them`);
    }
  }
  if (objectives.length > 0 && objectives.every((objective) => weightOf(objective) === 0)) {
    problems.push('none has a weight, so nothing would be maximised; give one of them a weight');
  }
  if (problems.length > 0) throw new TenetError('usage', `Objectives: ${problems.join('; ')}`);
}
