/** Adds up what calls used. */
import type { Usage } from '../llm/index.ts';

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0, latencyMs: 0, cached: false };

/** The sum; its cost is null as soon as one cost is not known, and it is cached when all parts were. */
export function sumUsage(parts: readonly Usage[]): Usage {
  const add = (value: (usage: Usage) => number): number => parts.reduce((sum, part) => sum + value(part), 0);
  return {
    inputTokens: add((part) => part.inputTokens),
    outputTokens: add((part) => part.outputTokens),
    costUsd: parts.some(({ costUsd }) => costUsd === null) ? null : add((part) => part.costUsd ?? 0),
    latencyMs: add((part) => part.latencyMs),
    cached: parts.length > 0 && parts.every(({ cached }) => cached),
  };
}
