/** What several calls used together. */
import type { Usage } from './language-model.ts';

/**
 * @param usages at least one
 * @param order  `at once`: the slowest call's time counts; `in turn`: the times add up
 */
export function usageOfAll(usages: readonly Usage[], order: 'at once' | 'in turn'): Usage {
  const sum = (of: (usage: Usage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  const isPriced = usages.every(({ costUsd }) => costUsd !== null);
  return {
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    costUsd: isPriced ? sum(({ costUsd }) => costUsd!) : null,
    latencyMs:
      order === 'in turn'
        ? sum(({ latencyMs }) => latencyMs)
        : Math.max(...usages.map(({ latencyMs }) => latencyMs)),
    cached: usages.every(({ cached }) => cached),
  };
}
