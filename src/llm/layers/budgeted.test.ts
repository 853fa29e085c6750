import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../testing/index.ts';
import { Budget, budgetedModel } from './budgeted.ts';

/** A question that may use 24 tokens of input (16 bytes at two a token, and 16) and 10 of output. */
const question = { messages: [{ role: 'user' as const, content: 'sixteen letters!' }], maxTokens: 10 };
const most = { tokens: 34, usd: (24 * 100 + 10 * 1000) / 1e6 };
const price = { input: 100, output: 1000 };
const usage = { inputTokens: 4, outputTokens: 5, costUsd: (4 * 100 + 5 * 1000) / 1e6 };

const model = () => mockModel({ chat: ['ok'], usage });

describe('a budget', () => {
  it('stops before a call that might exceed it', async () => {
    const mock = model();
    const budget = new Budget({ usd: 2 * usage.costUsd + most.usd });
    const limited = budgetedModel(mock, budget, { price });
    for (let i = 0; i < 3; i++) await limited.chat(question);
    const refused = limited.chat(question);
    await expect(refused).rejects.toMatchObject({ code: 'budget' });
    await expect(refused).rejects.toThrow(
      /\$0.0162 of \$0.0232 are spent, and the next call may cost up to \$0.0124/,
    );
    expect(mock.calls).toHaveLength(3);
    expect(budget.spent.usd).toBeCloseTo(3 * usage.costUsd, 12);
  });

  it('lets a call wait for what others give back', async () => {
    const mock = mockModel({ chat: ['ok'], usage, delayMs: 2 });
    const budget = new Budget({ tokens: most.tokens + 4 * 9 });
    const limited = budgetedModel(mock, budget, { price: null });
    const settled = await Promise.allSettled(Array.from({ length: 8 }, () => limited.chat(question)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(budget.spent.tokens).toBe(5 * 9);
  });

  it('is never exceeded, whatever is asked at once and however it ends', async () => {
    const call = fc.record({
      used: fc.integer({ min: 0, max: 34 }),
      fails: fc.boolean(),
      delayMs: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 34, max: 300 }),
        async (calls, limit) => {
          let at = 0;
          const mock = mockModel({
            chat: (_, i) =>
              calls[i].fails
                ? new Error('down')
                : {
                    text: 'ok',
                    usage: {
                      ...usage,
                      inputTokens: calls[i].used,
                      outputTokens: 0,
                      latencyMs: 0,
                      cached: false,
                    },
                  },
            delayMs: () => calls[at++].delayMs,
          });
          const budget = new Budget({ tokens: limit });
          const limited = budgetedModel(mock, budget, { price: null });
          const settled = await Promise.allSettled(calls.map(() => limited.chat(question)));
          expect(budget.spent.tokens).toBeLessThanOrEqual(limit);
          for (const result of settled) {
            if (result.status === 'rejected' && result.reason.code !== 'budget')
              expect(result.reason.message).toBe('down');
          }
          // It stops only where the next call does not fit.
          if (settled.some((result) => result.status === 'rejected' && result.reason.code === 'budget')) {
            expect(budget.spent.tokens + most.tokens).toBeGreaterThan(limit);
          }
        },
      ),
      { numRuns: 40, seed: 3 },
    );
  });

  it('counts answers that were paid for and could not be used', async () => {
    const details = { model: 'm', usage: { ...usage, latencyMs: 0, cached: false } };
    const mock = mockModel({ chat: [new TenetError('provider', 'useless', { details })] });
    const budget = new Budget({ tokens: 100 });
    await expect(budgetedModel(mock, budget, { price: null }).chat(question)).rejects.toThrow('useless');
    expect(budget.spent.tokens).toBe(9);
  });

  it('counts what was spent before, and is shared', async () => {
    const budget = new Budget({ tokens: 100, alreadySpent: { usd: 1, tokens: 60 } });
    const [one, other] = [
      budgetedModel(model(), budget, { price: null }),
      budgetedModel(model(), budget, { price: null }),
    ];
    await one.chat(question);
    await expect(other.chat(question)).rejects.toThrow(
      /69 of 100 tokens are used, and the next call may use up to 34/,
    );
  });

  it('lets go who is interrupted while waiting', async () => {
    const limited = budgetedModel(
      mockModel({ chat: ['ok'], usage, delayMs: 5 }),
      new Budget({ tokens: 40 }),
      { price: null },
    );
    const controller = new AbortController();
    const [running, waiting] = [
      limited.chat(question),
      limited.chat(question, { signal: controller.signal }),
    ];
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    await running;
  });

  it('refuses amounts that are none, and money without a price', () => {
    expect(() => new Budget({ usd: 0 })).toThrow(/usd 0; give an amount above 0/);
    expect(() => new Budget({ tokens: Number.NaN })).toThrow(/tokens NaN/);
    expect(() => budgetedModel(model(), new Budget({ usd: 1 }), { price: null })).toThrow(
      /needs the price of mock, which is not known/,
    );
  });
});
