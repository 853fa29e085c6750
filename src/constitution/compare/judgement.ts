/** Combines a judge's answers into one probability: over the orders, over principles, over tiers. */
import type { Usage } from '../../llm/index.ts';
import type { Answer } from './ask-comparison.ts';

/** What a judge makes of two responses under one principle. */
export interface PrincipleJudgement {
  readonly principle: string;
  readonly weight: number;
  /** See `tierOf`. */
  readonly tier: number;
  /** That the first response is better: mean over the orders asked in. */
  readonly probability: number;
  /** One, or two with the responses in either order. */
  readonly answers: readonly Answer[];
}

/** What a judge makes of two responses. */
export interface PairJudgement {
  /** That `responses[0]` is better: the soft label. */
  readonly probability: number;
  /** Before it was clamped. */
  readonly unclamped: number;
  readonly principles: readonly PrincipleJudgement[];
  /**
   * Ids of the principles without which the other response would be preferred. With one principle it is that one,
   * unless the two are level.
   */
  readonly decisive: readonly string[];
  readonly usage: Usage;
}

/** Mean of the answers of one principle. */
export function meanOfAnswers(answers: readonly Answer[]): number {
  return answers.reduce((sum, { probability }) => sum + probability, 0) / answers.length;
}

/** Mean over principles by weight (Bai et al. 2022, section 4.1: averaging makes labels more robust). */
export function weightedMean(
  judgements: readonly Pick<PrincipleJudgement, 'probability' | 'weight'>[],
): number {
  const total = judgements.reduce((sum, { weight }) => sum + weight, 0);
  return judgements.reduce((sum, { probability, weight }) => sum + probability * weight, 0) / total;
}

/**
 * The first tier that decides: whose mean is at least `decided` away from ½.
 * @returns null while the tiers judged so far leave it open
 */
export function decidedTier(
  judgements: readonly PrincipleJudgement[],
  decided: number,
): { readonly tier: number; readonly probability: number } | null {
  for (const { tier, probability } of tierMeans(judgements)) {
    if (Math.abs(probability - 0.5) >= decided) return { tier, probability };
  }
  return null;
}

/** Means by tier, the one that outweighs the others first. */
export function tierMeans(
  judgements: readonly PrincipleJudgement[],
): readonly { readonly tier: number; readonly probability: number }[] {
  const tiers = [...new Set(judgements.map(({ tier }) => tier))].sort((a, b) => a - b);
  return tiers.map((tier) => ({
    tier,
    probability: weightedMean(judgements.filter((judgement) => judgement.tier === tier)),
  }));
}

/** The label of tiers: the first that decides; where none does, all principles together. */
export function tieredProbability(judgements: readonly PrincipleJudgement[], decided: number): number {
  return decidedTier(judgements, decided)?.probability ?? weightedMean(judgements);
}

/** Principles without which `combine` would prefer the other response. */
export function decisivePrinciples(
  judgements: readonly PrincipleJudgement[],
  combine: (judgements: readonly PrincipleJudgement[]) => number,
): string[] {
  const side = Math.sign(combine(judgements) - 0.5);
  if (side === 0) return [];
  if (judgements.length === 1) return [judgements[0].principle];
  return judgements
    .filter(
      (judgement) => Math.sign(combine(judgements.filter((other) => other !== judgement)) - 0.5) !== side,
    )
    .map(({ principle }) => principle);
}

export function clampTo([low, high]: readonly [number, number], probability: number): number {
  return Math.min(high, Math.max(low, probability));
}

/**
 * Ranks from pairwise probabilities, by the mean probability of winning (Borda); equal means are ties.
 * @param preferences [K][K] that i is better than j; the diagonal is not read
 * @returns [K] 1 = best
 */
export function ranksOf(preferences: readonly (readonly (number | null)[])[]): number[] {
  const scores = preferences.map((row) => row.reduce<number>((sum, p) => sum + (p ?? 0), 0));
  const eps = 1e-9; // sums of the same numbers in another order
  return scores.map((score) => 1 + scores.filter((other) => other > score + eps).length);
}
