/** Judges two responses apart from each other: whether each goes against a principle. */

import type { Principle } from '../constitution.ts';
import { type Check, checkPrinciple } from '../critique/check.ts';
import { sumUsage } from '../usage.ts';
import type { Answer, JudgeContext, ResponsePair } from './ask-comparison.ts';

/** Checks already made, so that a response in several pairs is asked about once. */
export type CheckMemory = Map<string, Promise<Check>>;

/**
 * With q the probability that a response keeps the principle, and a coin where both do or neither does,
 *
 *     P(first better) = q₀ (1 − q₁) + ½ (q₀ q₁ + (1 − q₀)(1 − q₁)) = ½ + (q₀ − q₁) / 2
 *
 * @param memory shared between the pairs of one prompt
 */
export async function askEach(
  { prompt, responses }: ResponsePair,
  principle: Principle,
  context: JudgeContext,
  memory: CheckMemory = new Map(),
): Promise<Answer> {
  const { model, constitution, options, seed, signal } = context;
  const about = (response: string): Promise<Check> => {
    const key = JSON.stringify([principle.id, response]);
    const known = memory.get(key);
    if (known) return known;
    const { layout } = options;
    const check = checkPrinciple(model, { prompt, response }, constitution, principle, {
      layout,
      seed,
      signal,
    });
    memory.set(key, check);
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
