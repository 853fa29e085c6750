/** OpenAI's HTTP interface for a local model. */
export { ApiError, type ApiErrorBody } from './api-error.ts';
export { type AppOptions, openAiApp } from './app.ts';
export { type RunningServer, type ServeOptions, serveOpenAi } from './serve-open-ai.ts';
export type { ServedModel } from './served-model.ts';
