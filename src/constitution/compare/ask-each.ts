/** Judges two responses apart from each other: whether each goes against a principle. */

import type { Principle } from '../constitution.ts';
import { type Check, checkPrinciple } from '../critique/check.ts';
import { seedFor } from '../draw.ts';
import { NO_USAGE, sumUsage } from '../usage.ts';
import type { Answer, JudgeContext, ResponsePair } from './ask-comparison.ts';

/** What the pairs of one prompt share, so that a response in several of them is asked about once. */
export interface SharedChecks {
  /** Decides the seed of each check, whichever pair is the first to need it. */
  readonly seed: number;
  /** By principle and response. */
  readonly known: Map<string, Promise<Check>>;
}

/**
 * With q the probability that a response keeps the principle, and a coin where both do or neither does,
 *
 *     P(first better) = q₀ (1 − q₁) + ½ (q₀ q₁ + (1 − q₀)(1 − q₁)) = ½ + (q₀ − q₁) / 2
 *
 * @param shared default: for this pair alone
 * @returns with the usage of what was asked for this pair; what another has asked is counted there
 */
export async function askEach(
  { prompt, responses }: ResponsePair,
  principle: Principle,
  context: JudgeContext,
  shared: SharedChecks = { seed: context.seed, known: new Map() },
): Promise<Answer> {
  const { model, constitution, options, signal } = context;
  const { layout, votes, temperature } = options;
  const { seed, known } = shared;
  const about = async (response: string): Promise<Check> => {
    const key = JSON.stringify([principle.id, response]);
    const asked = known.get(key);
    if (asked) return { ...(await asked), usage: NO_USAGE };
    const check = checkPrinciple(model, { prompt, response }, constitution, principle, {
      ...{ layout, votes, temperature, signal },
      seed: seedFor(seed, principle.id, response),
    });
    known.set(key, check);
    return check;
  };
  const [first, second] = await Promise.all(responses.map(about));
  return {
    principle: principle.id,
    shownFirst: null,
    probability: 0.5 + (second.probability - first.probability) / 2,
    mass: Math.min(first.mass, second.mass),
    method: first.method,
    reasoning: null,
    model: model.id,
    template: first.template,
    seed,
    usage: sumUsage([first.usage, second.usage]),
  };
}
