/** Adds up what calls used. */
import { type Usage, usageOfAll } from '../llm/index.ts';

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0, latencyMs: 0, cached: false };

/** What calls used together, also when there were none. The times add up. */
export function sumUsage(parts: readonly Usage[]): Usage {
  return parts.length === 0 ? NO_USAGE : usageOfAll(parts, 'in turn');
}
