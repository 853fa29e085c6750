/** Language models behind one interface: the local engine and providers, with cache, retries, limits and budget. */
export type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  LanguageModel,
  Message,
  Usage,
} from './language-model.ts';
export { LocalModel, localModel } from './local/local-model.ts';
export type { EngineOptions } from './local/protocol.ts';
export { type ModelSpec, parseModelSpec } from './model-spec.ts';
export { type OpenModelOptions, openModel } from './open-model.ts';
