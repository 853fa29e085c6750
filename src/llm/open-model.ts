/** Opens a model by its name, with the layers that every job wants around it. */
import type { CallCache } from '../store/index.ts';
import type { LanguageModel } from './language-model.ts';
import { type Budget, budgetedModel } from './layers/budgeted.ts';
import { cachedModel } from './layers/cached.ts';
import { finishingModel } from './layers/finishing.ts';
import { Gate, type Limits, limitedModel } from './layers/limited.ts';
import { type CallRecord, meteredModel } from './layers/metered.ts';
import { type RetryOptions, retriedModel } from './layers/retried.ts';
import { votingModel } from './layers/voting.ts';
import type { EngineOptions } from './local/protocol.ts';
import { parseModelSpec } from './model-spec.ts';
import { type Prices, priceOf } from './prices.ts';

export interface OpenModelOptions {
  /** How a local model is loaded. */
  readonly engine?: EngineOptions;
  /** Where answers are kept; a store's `calls`. Default: they are not kept. */
  readonly cache?: CallCache;
  readonly retry?: RetryOptions;
  /** Of calls to a provider; a `Gate` where several models share one account. Local models need none. */
  readonly limits?: Limits | Gate;
  /** May be shared by several models. */
  readonly budget?: Budget;
  /** Prices by model id. Default: list prices. */
  readonly prices?: Prices;
  /** Milliseconds without a byte after which a call to a provider counts as hung. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Milliseconds that a call to a provider may go on for when it is interrupted. Default 20,000. */
  readonly graceMs?: number;
  /** Told of every call as it ends. */
  readonly onCall?: (call: CallRecord) => void;
}

const defaultGraceMs = 20_000;

/**
 * @param spec `local:<folder>`, `openai:<model>`, `anthropic:<model>` or `openai-compatible:<model>@<base URL>`
 * @throws TenetError('usage') for a name that cannot be understood, a missing key, or a budget in dollars for a model
 *   without a price; TenetError('model') when a folder holds no language model
 * @example
 * const judge = await openModel('openai:gpt-4.1-mini', { cache: store.calls, budget: new Budget({ usd: 5 }) });
 * const { text, usage } = await judge.chat({ messages: [{ role: 'user', content: 'Which is safer?' }] });
 */
export async function openModel(spec: string, options: OpenModelOptions = {}): Promise<LanguageModel> {
  const parsed = parseModelSpec(spec);
  const { budget, cache, onCall } = options;
  let model: LanguageModel;
  if (parsed.kind === 'local') {
    const { localModel } = await import('./local/local-model.ts');
    model = await localModel(parsed.folder, options.engine);
    if (budget) model = budgetedModel(model, budget, { price: priceOf(model.id) });
  } else {
    const { openProvider } = await import('./providers/open-provider.ts');
    const provided = await openProvider(parsed, options);
    const { hiddenTokens, price } = provided;
    model = cache ? finishingModel(provided, options.graceMs ?? defaultGraceMs) : provided;
    if (budget) model = budgetedModel(model, budget, { price, hiddenTokens });
    const { limits = {} } = options;
    model = limitedModel(model, limits instanceof Gate ? limits : new Gate(limits), hiddenTokens);
    model = retriedModel(model, options.retry);
  }
  if (cache) model = cachedModel(model, cache);
  if (onCall) model = meteredModel(model, onCall);
  return parsed.kind === 'local' ? model : votingModel(model);
}
