/** Language models behind one interface: the local engine and providers, with cache, retries, limits and budget. */

export { type ChatJsonRequest, chatJson, type JsonAnswer } from './chat-json.ts';
export { type ItemContext, type MapOptions, type MapProgress, mapItems } from './jobs/map-items.ts';
export type { ItemOutcome } from './jobs/work-source.ts';
export type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  JsonFormat,
  LanguageModel,
  Message,
  Usage,
} from './language-model.ts';
export { Budget, type BudgetLimits, budgetedModel, type Spending } from './layers/budgeted.ts';
export { cachedModel, cacheKey } from './layers/cached.ts';
export { Gate, type Limits, limitedModel } from './layers/limited.ts';
export { type CallRecord, CallTally, meteredModel } from './layers/metered.ts';
export { type Retry, type RetryOptions, retriedModel } from './layers/retried.ts';
export { votingModel } from './layers/voting.ts';
export { type GenerateCall, LocalEngine } from './local/local-engine.ts';
export { LocalModel, localModel } from './local/local-model.ts';
export type {
  EngineAnswer,
  EngineFacts,
  EngineOptions,
  EngineScores,
  EngineToken,
} from './local/protocol.ts';
export { type ModelSpec, parseModelSpec } from './model-spec.ts';
export { type OpenModelOptions, openModel } from './open-model.ts';
export { listPrices, listPricesDate, type Price, type Prices, priceOf } from './prices.ts';
export { type FailureDetails, failureDetails } from './providers/provider-error.ts';
export { readOption } from './read-option.ts';
export { usageOfAll } from './usage-of-all.ts';
