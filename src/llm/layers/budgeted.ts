/** A budget in money and tokens that is never exceeded: a call that might exceed it is not made. */
import { TenetError } from '../../base/index.ts';
import { estimateTokens } from '../estimate-tokens.ts';
import type { LanguageModel, Usage } from '../language-model.ts';
import { costOf, type Price } from '../prices.ts';
import { withLayer } from './layer.ts';
import { interrupted, onAbort } from './signals.ts';

export interface BudgetLimits {
  /** US dollars. Default no limit. */
  readonly usd?: number;
  /** Tokens of input and output together. Default no limit. */
  readonly tokens?: number;
  /** What was spent before, such as by the part of a job that is being resumed. Default nothing. */
  readonly alreadySpent?: Spending;
}

export interface Spending {
  readonly usd: number;
  readonly tokens: number;
}

/**
 * What may be spent by all models that share it.
 *
 * A call reserves what it could cost at most before it begins, and gives back the rest when it ends. As long as other
 * calls are under way, one that does not fit waits for what they give back; when none is, the budget is used up.
 */
export class Budget {
  private readonly limits: BudgetLimits;
  private paid: Spending;
  private reserved: Spending = { usd: 0, tokens: 0 };
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws TenetError('usage') for limits that are no amounts */
  constructor(limits: BudgetLimits) {
    for (const name of ['usd', 'tokens'] as const) {
      const limit = limits[name];
      if (limit === undefined || limit > 0) continue;
      throw new TenetError(
        'usage',
        `The budget has ${name} ${limit}; give an amount above 0, or leave it out.`,
      );
    }
    this.limits = limits;
    this.paid = limits.alreadySpent ?? { usd: 0, tokens: 0 };
  }

  /** What was spent so far. Tokens of calls that failed are not known and not in it. */
  get spent(): Spending {
    return this.paid;
  }

  /** True: money is limited, so every model needs a price. */
  get countsMoney(): boolean {
    return this.limits.usd !== undefined;
  }

  /**
   * Reserves what a call may cost, waiting for other calls if need be.
   * @throws TenetError('budget') when it does not fit
   */
  async reserve(most: Spending, signal: AbortSignal | undefined): Promise<void> {
    while (!this.fits(most, this.reserved)) {
      if (this.running === 0 || !this.fits(most, { usd: 0, tokens: 0 })) throw this.usedUp(most);
      await this.nextEnd(signal);
    }
    this.reserved = add(this.reserved, most);
    this.running++;
  }

  /** Gives back what was reserved, and counts what was used. */
  settle(most: Spending, used: Spending): void {
    this.reserved = add(this.reserved, { usd: -most.usd, tokens: -most.tokens });
    this.paid = add(this.paid, used);
    this.running--;
    for (const wake of this.waiting.splice(0)) wake();
  }

  private fits(most: Spending, reserved: Spending): boolean {
    const { usd = Number.POSITIVE_INFINITY, tokens = Number.POSITIVE_INFINITY } = this.limits;
    const total = add(add(this.paid, reserved), most);
    return total.usd <= usd * (1 + 1e-9) && total.tokens <= tokens; // sums of cents are not exact
  }

  private nextEnd(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(interrupted());
    return new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => reject(interrupted()));
      this.waiting.push(() => {
        forget();
        resolve();
      });
    });
  }

  private usedUp(most: Spending): TenetError {
    const { usd, tokens } = this.limits;
    const overMoney = usd !== undefined && this.paid.usd + most.usd > usd;
    const what = overMoney
      ? `$${this.paid.usd.toFixed(4)} of $${usd} are spent, and the next call may cost up to $${most.usd.toFixed(4)}`
      : `${this.paid.tokens} of ${tokens} tokens are used, and the next call may use up to ${most.tokens}`;
    return new TenetError(
      'budget',
      `The budget stops here: ${what}. What is finished is kept; raise the budget and resume.`,
      { details: { ...this.paid, limitUsd: usd ?? null, limitTokens: tokens ?? null } },
    );
  }
}

/**
 * The model within a budget.
 * @param price of the model, or null when it is not known
 * @throws TenetError('usage') when the budget counts money and there is no price
 */
export function budgetedModel(
  model: LanguageModel,
  budget: Budget,
  { price, hiddenTokens = 0 }: { readonly price: Price | null; readonly hiddenTokens?: number },
): LanguageModel {
  if (budget.countsMoney && !price) {
    throw new TenetError(
      'usage',
      `A budget in dollars needs the price of ${model.id}, which is not known. Give it (US dollars for a million ` +
        'tokens of input and of output), or limit tokens instead.',
    );
  }
  return withLayer(model, async (question, ask, call) => {
    const { input, output } = estimateTokens(question, hiddenTokens);
    const usd = price ? costOf(price, { inputTokens: input, outputTokens: output }) : 0;
    const most = { usd, tokens: input + output };
    await budget.reserve(most, call.signal);
    let used: Spending = { usd: 0, tokens: 0 };
    try {
      const answer = await ask(call);
      used = spendingOf(answer.usage);
      return answer;
    } catch (error) {
      // An answer that could not be used is paid for all the same, where it is known what it cost.
      if (TenetError.is(error) && error.details.usage) used = spendingOf(error.details.usage as Usage);
      throw error;
    } finally {
      budget.settle(most, used);
    }
  });
}

function spendingOf({ costUsd, inputTokens, outputTokens }: Usage): Spending {
  return { usd: costUsd ?? 0, tokens: inputTokens + outputTokens };
}

function add(a: Spending, b: Spending): Spending {
  return { usd: a.usd + b.usd, tokens: a.tokens + b.tokens };
}
