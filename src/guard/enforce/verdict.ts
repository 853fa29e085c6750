/** What the rules make of a screening. */
import type { GuardRules } from '../policy/policy.ts';
import type { Screening } from '../screen.ts';

export type Where = 'input' | 'output';

export interface Verdict {
  /** Under enforcement nothing more leaves; in shadow mode it is only noted. */
  readonly blocked: boolean;
  readonly score: number;
  /** The threshold that the score was held against: the principle's, where that is what blocked. */
  readonly threshold: number;
  /** The principle or category that blocked, or that scored highest; null where the guard names none. */
  readonly principle: string | null;
  readonly stage: string;
}

export function verdictOf(screening: Screening, { thresholds }: GuardRules, where: Where): Verdict {
  const { score, byPrinciple = {}, stage, decided } = screening;
  const whole = screening.threshold ?? thresholds[where];
  let [top, topScore]: [string | null, number] = [null, -1];
  for (const [principle, its] of Object.entries(byPrinciple)) {
    if (its > topScore) [top, topScore] = [principle, its];
    const own = Object.hasOwn(thresholds.principles, principle)
      ? thresholds.principles[principle]
      : undefined;
    // Also where a cascade lets pass: who names a principle wants it kept whatever the whole looks like.
    if (own !== undefined && its >= own)
      return { blocked: true, score: its, threshold: own, principle, stage };
  }
  const blocked = decided === undefined ? score >= whole : decided === 'block';
  return { blocked, score, threshold: whole, principle: top, stage };
}

/** True for what was let pass by so little that it is worth a person's look. */
export function isNear({ blocked, score, threshold }: Verdict, margin: number): boolean {
  return !blocked && threshold - score <= margin;
}
