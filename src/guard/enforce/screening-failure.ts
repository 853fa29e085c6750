/** The guard could not say, or not in time. */
import type { Screening } from '../screen.ts';
import type { Where } from './verdict.ts';

export class ScreeningFailure extends Error {
  readonly where: Where;
  readonly reason: 'time' | 'error';

  constructor(where: Where, reason: ScreeningFailure['reason'], cause?: unknown) {
    super(
      reason === 'time'
        ? 'the guard took longer than its time limit'
        : `the guard failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
    this.name = 'ScreeningFailure';
    this.where = where;
    this.reason = reason;
  }
}

/**
 * Waits for a screening no longer than its limit.
 * @throws ScreeningFailure also for an error of the guard, and for a score, of the whole or a principle, that is no probability
 */
export async function inTime(
  screening: Promise<Screening>,
  where: Where,
  timeLimitMs: number,
): Promise<Screening> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ScreeningFailure(where, 'time')), timeLimitMs);
  });
  try {
    const said = await Promise.race([screening, late]);
    // NaN would be below every threshold, and so would what is missing.
    for (const score of [said.score, ...Object.values(said.byPrinciple ?? {})]) {
      if (!(score >= 0 && score <= 1)) throw new Error(`its score is ${score}, which is no probability`);
    }
    return said;
  } catch (error) {
    throw error instanceof ScreeningFailure ? error : new ScreeningFailure(where, 'error', error);
  } finally {
    clearTimeout(timer);
  }
}
