/** Servers: the web app, OpenAI's interface for local models, and the guard in front of any such server. */
export { type AppParts, apiRoutes, createApp } from './app.ts';
export * from './guard/index.ts';
export * from './openai/index.ts';
export { type RunningApp, type ServeAppOptions, serveApp } from './serve-app.ts';
