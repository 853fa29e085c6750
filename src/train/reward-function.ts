/** Where rewards come from: a reward model, or any function of prompt and response. */
import { type DecoderConfig, type ParameterStore, scoreHeadName } from '../model/index.ts';
import { HeadScorer, type ScorerOptions } from './scorers.ts';
import type { Sequence } from './sequences.ts';

/** A response to be rewarded, as tokens and as text. */
export interface RewardItem extends Sequence {
  readonly promptText: string;
  /** Without special tokens. */
  readonly responseText: string;
  /** True: the response ended by itself; false: it was cut off. */
  readonly ended: boolean;
}

/**
 * @returns one reward per item, in its own units; higher is better, null (or NaN) = this response cannot be scored.
 *   GRPO, RLOO, RAFT and online DPO leave such a response out of its group; PPO and REINFORCE++ refuse it.
 */
export type RewardFunction = (items: readonly RewardItem[]) => Promise<ArrayLike<number | null>>;

/** Told of each response the reward model's state at the token that it scores, [B][D]. */
export type StateListener = (items: readonly RewardItem[], states: readonly Float32Array[]) => void;

/**
 * Rewards from a reward model that shares the policy's tokenizer; it stays as it is.
 * @param options.onStates default: nobody asks, and states are not read out
 */
export async function rewardModel(
  config: DecoderConfig,
  parameters: ParameterStore,
  { onStates, ...options }: ScorerOptions & { readonly onStates?: StateListener } = {},
): Promise<RewardFunction> {
  const states = onStates !== undefined;
  const scorer = await HeadScorer.create(config, parameters, scoreHeadName, { ...options, states });
  return async (items) => {
    const found = await scorer.scoreStates(parameters, items);
    onStates?.(items, found.states);
    return found.scores[0];
  };
}
