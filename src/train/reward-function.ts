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
 *   Methods that compare the responses of a group leave such a response out; PPO refuses it.
 */
export type RewardFunction = (items: readonly RewardItem[]) => Promise<ArrayLike<number | null>>;

/** Rewards from a reward model that shares the policy's tokenizer; it stays as it is. */
export async function rewardModel(
  config: DecoderConfig,
  parameters: ParameterStore,
  options: ScorerOptions = {},
): Promise<RewardFunction> {
  const scorer = await HeadScorer.create(config, parameters, scoreHeadName, options);
  return (items) => scorer.scoreLast(parameters, items);
}
