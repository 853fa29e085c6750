/** Tries texts that answer nothing on the reward of a stage, beside the policy's own answers. */
import { type CanaryResult, canaries, type Finding, judgeCanaries } from '../../monitor/index.ts';
import { type RewardItem, RewardMix, type RewardSource, type WatchedRollout } from '../../train/index.ts';
import type { StartModel } from '../stages/stage-run.ts';
import { rewardsOf } from './summarise-rollout.ts';

export interface CanaryTrial {
  readonly start: Pick<StartModel, 'config' | 'tokenizer' | 'stopIds'>;
  readonly reward: RewardSource;
  /** How many prompts. */
  readonly prompts: number;
  /** A reward that knows better; null where there is none, or asking it costs money. */
  readonly heldOut: ((items: readonly RewardItem[]) => Promise<ArrayLike<number>>) | null;
}

/** @param heldOutAnswers [B] held-out rewards of the rollout's responses */
export async function tryCanaries(
  rollout: WatchedRollout,
  heldOutAnswers: ArrayLike<number>,
  { start, reward, prompts, heldOut }: CanaryTrial,
): Promise<Finding | null> {
  const { items } = rollout;
  const rewards = rewardsOf(rollout);
  const rows = items
    .flatMap(({ prompt }, i) => (i === 0 || prompt !== items[i - 1].prompt ? [i] : []))
    .slice(0, prompts);
  const results: CanaryResult[] = [];
  for (const canary of canaries) {
    const ids = [...start.tokenizer.encode(canary.text), start.stopIds[0]];
    const fitting = rows.filter((row) => items[row].prompt.length + ids.length <= start.config.maxPositions);
    const tried = fitting.map((row) => ({
      ...items[row],
      response: Int32Array.from(ids),
      responseText: canary.text,
      ended: true,
    }));
    if (tried.length === 0) continue;
    results.push({
      canary,
      rewards: await score(reward, tried),
      answers: fitting.map((row) => rewards[row]),
      ...(heldOut && {
        heldOut: {
          rewards: await heldOut(tried),
          answers: fitting.map((row) => heldOutAnswers[row] ?? Number.NaN),
        },
      }),
    });
  }
  return judgeCanaries(results);
}

async function score(reward: RewardSource, items: readonly RewardItem[]): Promise<ArrayLike<number>> {
  if (reward instanceof RewardMix) return (await reward.score(items, 1)).sums;
  return Float32Array.from(await reward(items), (value) => value ?? Number.NaN);
}
