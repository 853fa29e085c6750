/** Who decides which of several responses to a prompt is better: scores, or a judge of two. */
import { type Random, TenetError } from '../base/index.ts';
import type { RewardItem } from './reward-function.ts';

/** Rows of a rollout: the better and the worse response of one group. */
export interface ChosenPair {
  readonly chosen: number;
  readonly rejected: number;
}

/** Two responses to one prompt, as text. */
export interface PairToJudge {
  readonly prompt: string;
  readonly responses: readonly [string, string];
}

/**
 * Judges pairs of responses; `src/llm` or people can stand behind it.
 * @returns per pair: 0 = the first is better, 1 = the second, null = it cannot tell
 */
export type PairJudge = (pairs: readonly PairToJudge[]) => Promise<readonly (0 | 1 | null)[]>;

/**
 * The best and the worst of each group by score. A group whose scores are all the same, or of which fewer than two
 * responses could be scored (NaN), decides nothing.
 * @param scores [B], in groups that stand together
 * @returns per group; null where nothing is decided
 */
export function chooseByScore(scores: Float32Array, groupSize: number): (ChosenPair | null)[] {
  return Array.from({ length: scores.length / groupSize }, (_, group) => {
    const rows = Array.from({ length: groupSize }, (__, i) => group * groupSize + i);
    const scored = rows.filter((row) => !Number.isNaN(scores[row]));
    if (scored.length < 2) return null;
    const chosen = scored.reduce((a, b) => (scores[b] > scores[a] ? b : a));
    const rejected = scored.reduce((a, b) => (scores[b] < scores[a] ? b : a));
    return scores[chosen] > scores[rejected] ? { chosen, rejected } : null;
  });
}

/**
 * The better of the two responses of each group by a judge. Which of them it is shown first is drawn anew for each
 * pair, so that a taste for one place favours neither.
 * @param items [B], in groups of two that stand together; where both say the same, nothing is decided
 * @throws TenetError('training') unless the judge gives one verdict per pair
 */
export async function chooseByJudge(
  judge: PairJudge,
  items: readonly RewardItem[],
  random: Random,
): Promise<(ChosenPair | null)[]> {
  const pairs = Array.from({ length: items.length / 2 }, (_, group) => {
    const [first, second] = random.int(2) === 0 ? [2 * group, 2 * group + 1] : [2 * group + 1, 2 * group];
    return { first, second };
  });
  const judged = pairs.filter(
    ({ first, second }) => items[first].responseText !== items[second].responseText,
  );
  const verdicts = await judge(
    judged.map(({ first, second }) => ({
      prompt: items[first].promptText,
      responses: [items[first].responseText, items[second].responseText],
    })),
  );
  if (verdicts.length !== judged.length) {
    throw new TenetError(
      'training',
      `The judge gave ${verdicts.length} verdicts on ${judged.length} pairs; it must give one for each: 0, 1, or null.`,
    );
  }
  const byPair = new Map(judged.map((pair, i) => [pair, verdicts[i]]));
  return pairs.map((pair) => {
    const verdict = byPair.get(pair) ?? null;
    if (verdict === null) return null;
    const { first, second } = pair;
    return verdict === 0 ? { chosen: first, rejected: second } : { chosen: second, rejected: first };
  });
}
