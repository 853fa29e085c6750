/** Responses in a mix of styles. */
import { type Random, TenetError } from '../base/index.ts';
import type { PromptKind } from './family.ts';
import type { Prompt } from './prompt.ts';
import { type Style, styles, stylesOf, writeResponse } from './styles.ts';

/** Relative shares of the styles; those a prompt's kind does not have are left out and the rest scaled up. */
export type StyleMix = Readonly<Partial<Record<Style, number>>>;

/** Every style alike: what a base model learns from. */
export const equalMix: StyleMix = Object.fromEntries(styles.map((style) => [style, 1]));

/**
 * `k` responses to a prompt, each in a style drawn from the mix; texts differ where the world allows it.
 * Default mix: every style alike.
 */
export function sampleResponses(
  prompt: Prompt,
  k: number,
  options: { random: Random; mix?: StyleMix },
): string[] {
  const { random, mix = equalMix } = options;
  const result: string[] = [];
  for (let misses = 0; result.length < k; ) {
    const text = writeResponse(prompt, drawStyle(prompt.kind, mix, random), random);
    if (result.includes(text) && ++misses < 20) continue;
    result.push(text);
  }
  return result;
}

/** A style that the kind of prompt has, drawn by the mix. */
export function drawStyle(kind: PromptKind, mix: StyleMix, random: Random): Style {
  const known = stylesOf(kind).filter((style) => (mix[style] ?? 0) > 0);
  const total = known.reduce((sum, style) => sum + (mix[style] as number), 0);
  if (known.length === 0) {
    throw new TenetError('usage', `The style mix ${JSON.stringify(mix)} has no style for ${kind} prompts.`);
  }
  let left = random.uniform() * total;
  for (const style of known) {
    left -= mix[style] as number;
    if (left < 0) return style;
  }
  return known[known.length - 1];
}
