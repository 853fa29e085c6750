import { describe, expect, it } from 'vitest';
import { costOf, priceOf } from './prices.ts';

describe('priceOf', () => {
  const given = {
    'openai:gpt-4o': { input: 9, output: 9 },
    'openai-compatible:*': { input: 1, output: 1 },
    'openai-compatible:big*': { input: 5, output: 5 },
  };

  it.each<[string, number | undefined]>([
    ['openai:gpt-4o', 9],
    ['openai-compatible:big@http://h/v1', 5],
    ['openai-compatible:small@http://h/v1', 1],
    ['openai:gpt-4.1-mini', 0.4],
    ['openai:gpt-4.1-mini-2025-04-14', 0.4],
    ['anthropic:claude-haiku-4-5-20251001', 1],
    ['openai:gpt-4.1-mini-of-another-kind', undefined],
    ['local:anything@123', 0],
  ])('%s', (model, input) => {
    expect(priceOf(model, given)?.input).toBe(input);
  });

  it('refuses a price that is none', () => {
    expect(() => priceOf('m', { m: { input: -1, output: 1 } })).toThrow(/price of m has input -1/);
  });
});

it('costs are dollars for a million tokens, cached ones apart', () => {
  const price = { input: 2, cachedInput: 0.5, output: 8 };
  expect(costOf(price, { inputTokens: 1_000_000, outputTokens: 500_000 })).toBeCloseTo(6, 12);
  expect(costOf(price, { inputTokens: 1_000_000, outputTokens: 0, cacheRead: 400_000 })).toBeCloseTo(1.4, 12);
});
