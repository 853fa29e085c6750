/** A stage of a cascade, and what its thresholds make of a score. */
import type { GuardModel, Screening } from '../screen.ts';

/** Nothing left open. `harmful` is Infinity where a stage never blocks. */
export interface DecidingStage {
  readonly guard: GuardModel;
  readonly safe: { readonly input: number; readonly output: number };
  readonly harmful: { readonly input: number; readonly output: number };
}

/** What a stage's two thresholds make of a score; null: the next stage is asked. */
export function decisionOf(
  { score, decided, threshold }: Screening,
  safe: number,
  harmful: number,
): { readonly decided: 'allow' | 'block'; readonly threshold: number } | null {
  // A cascade within a cascade has decided with thresholds of its own.
  if (decided !== undefined) return { decided, threshold: threshold ?? harmful };
  if (score >= harmful) return { decided: 'block', threshold: harmful };
  if (score <= safe) return { decided: 'allow', threshold: Math.min(1, harmful) };
  return null;
}
