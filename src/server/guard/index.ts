/** The guard as a server in front of any other that speaks OpenAI's interface. */
export { type Appeals, type GuardAppOptions, guardApp } from './app.ts';
export { type ServeGuardOptions, serveGuard } from './serve-guard.ts';
export {
  type RunningGuardedModel,
  type ServeGuardedModelOptions,
  serveGuardedModel,
} from './serve-guarded-model.ts';
export { type Answerer, Upstream, type UpstreamOptions } from './upstream.ts';
