/** Rewards from reward models: one head of one, or an ensemble of heads, of models, or of both. */
import { type DecoderConfig, type ParameterStore, scoreHeadName } from '../../model/index.ts';
import { type EnsembleRule, ensembleRewards } from '../../objective/index.ts';
import type { RewardItem, StateListener } from '../reward-function.ts';
import { HeadScorer, type ScorerOptions } from '../scorers.ts';
import type { ObjectiveScores } from './objective.ts';

/** A reward model that shares the policy's tokenizer; it stays as it is. */
export interface RewardMember {
  readonly config: DecoderConfig;
  /** With `score.weight` [H, D]. */
  readonly parameters: ParameterStore;
  /** Which rows of the head take part. Default: the first. */
  readonly heads?: readonly number[];
  /** Mean score of each of these on common data, for ensembles. Default: unknown. */
  readonly means?: readonly number[];
}

/**
 * Scores responses by reward models, several of them as an ensemble.
 *
 * Where all members know their mean score, they are shifted to a common one before they are combined (`ensembleRewards`).
 * @param members at least one
 * @param options.rule, options.spreadWeight see `ensembleRewards`
 * @param options.onStates told the first member's states. Default: nobody asks, and they are not read out
 */
export async function modelObjective(
  members: readonly RewardMember[],
  options: ScorerOptions & {
    readonly rule?: EnsembleRule;
    readonly spreadWeight?: number;
    readonly onStates?: StateListener;
  } = {},
): Promise<(items: readonly RewardItem[]) => Promise<ObjectiveScores>> {
  const { rule, spreadWeight, onStates, ...scoring } = options;
  const scorers = await Promise.all(
    members.map(({ config, parameters }, m) =>
      HeadScorer.create(config, parameters, scoreHeadName, {
        ...scoring,
        states: onStates !== undefined && m === 0,
      }),
    ),
  );
  const means = members.flatMap((member) => member.means ?? headsOf(member).map(() => Number.NaN));
  const centres = means.some(Number.isNaN) ? undefined : means;
  return async (items) => {
    const scores: Float32Array[] = [];
    for (const [m, member] of members.entries()) {
      const found = await scorers[m].scoreStates(member.parameters, items);
      if (m === 0) onStates?.(items, found.states);
      scores.push(...headsOf(member).map((head) => found.scores[head]));
    }
    if (scores.length === 1) return { values: scores[0] };
    const { rewards, spreads } = ensembleRewards({ members: scores, rule, spreadWeight, centres });
    return { values: rewards, spreads };
  };
}

function headsOf({ heads = [0] }: RewardMember): readonly number[] {
  return heads;
}
