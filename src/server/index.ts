/** Servers: the web app, and OpenAI's interface for local models. */
export { type AppParts, apiRoutes, createApp } from './app.ts';
export * from './openai/index.ts';
export { type RunningApp, type ServeAppOptions, serveApp } from './serve-app.ts';
