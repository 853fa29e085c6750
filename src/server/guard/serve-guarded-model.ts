/** A model and its guard in one server: probes on the model's own hidden states are computed while it answers. */
import {
  type GuardObserver,
  type GuardPolicy,
  type OpenGuardOptions,
  openCascade,
  openGuard,
  SharedProbe,
  toPolicy,
} from '../../guard/index.ts';
import type { Store } from '../../store/index.ts';
import { openAiApp } from '../openai/app.ts';
import { type RunningServer, type ServeOptions, serveModel } from '../openai/serve-open-ai.ts';
import { openGuardApp } from './open-guard-app.ts';
import { ServedUpstream } from './served-upstream.ts';

export interface ServeGuardedModelOptions extends ServeOptions {
  /** `keywords`, or the folder of a guard; not looked at where the policy has a cascade. */
  readonly guard: string;
  /** Of guards that are folders. */
  readonly guardOptions?: Omit<OpenGuardOptions, 'opened'>;
  /** Default: what an empty policy file says. */
  readonly policy?: GuardPolicy;
  /** Where cases for people go; left open when the server ends. Needed where the policy has a ledger. */
  readonly store?: Store;
  readonly observers?: readonly GuardObserver[];
}

export interface RunningGuardedModel extends RunningServer {
  /** Of the guard, as in logs. */
  readonly guard: string;
  /** The probe that is computed in the model's own pass, or null. */
  readonly sharedProbe: string | null;
}

/**
 * Serves a model as `serveOpenAi` does and guards it as `serveGuard` does. The first guard that is made of probes on this
 * very model takes what the model computes anyway.
 * @throws as both of them, and as `openGuard`; TenetError('model') for probes that were fitted to what the model was before
 */
export async function serveGuardedModel({
  guard: name,
  guardOptions = {},
  policy = toPolicy(),
  store,
  observers,
  ...options
}: ServeGuardedModelOptions): Promise<RunningGuardedModel> {
  const { folder, engine, apiKey, onFailure = () => {} } = options;
  const names = policy.cascade?.flatMap(({ guard }) => guard ?? []) ?? [name];
  const shared = await SharedProbe.find(names, folder, guardOptions);
  let guardName = '';
  const server = await serveModel(
    { ...options, engine: { ...engine, ...(shared && { probe: shared.stateProbe }) } },
    async (model) => {
      shared?.checkTemplate(model.engine.facts.templateHash);
      const opening = { ...guardOptions, ...(shared && { opened: shared }) };
      const guard = policy.cascade
        ? await openCascade(policy.cascade, opening)
        : await openGuard(name, opening);
      guardName = guard.name;
      try {
        const { app, close } = await openGuardApp({
          ...{ guard, policy, store, observers, shared, apiKey, onFailure },
          upstream: new ServedUpstream(openAiApp(model)),
          // The model is this server's: without a key only this machine's own programs may ask.
          hasUpstreamKey: true,
        });
        return {
          app,
          close: async () => {
            await close();
            await guard.close();
          },
        };
      } catch (error) {
        await guard.close();
        throw error;
      }
    },
  );
  return { ...server, guard: guardName, sharedProbe: shared?.name ?? null };
}
