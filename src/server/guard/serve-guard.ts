/** Starts and stops the guard's server. */
import { TenetError } from '../../base/index.ts';
import { type GuardModel, type GuardObserver, type GuardPolicy, toPolicy } from '../../guard/index.ts';
import type { Store } from '../../store/index.ts';
import { closeServer, isOwnAddress, listen, originOf } from '../http/listener.ts';
import type { RunningServer } from '../openai/serve-open-ai.ts';
import { openGuardApp } from './open-guard-app.ts';
import { Upstream } from './upstream.ts';

export interface ServeGuardOptions {
  readonly guard: GuardModel;
  /** The server that it stands before, such as `http://localhost:8000/v1`. */
  readonly upstream: string;
  /** Default: what an empty policy file says. */
  readonly policy?: GuardPolicy;
  /** Where cases for people go; left open when the server ends. Needed where the policy has a ledger. */
  readonly store?: Store;
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. Default 8200. */
  readonly port?: number;
  /** Clients must bring it; without one their own keys go on to the upstream. */
  readonly apiKey?: string;
  /** Sent to the upstream in place of the clients' own. */
  readonly upstreamKey?: string;
  readonly observers?: readonly GuardObserver[];
  /** Told of failures that are the server's own, and of the guard's. */
  readonly onFailure?: (error: unknown) => void;
}

const defaultGraceMs = 10_000;

/**
 * @throws TenetError('usage') for an upstream that is none, a policy that does not fit the options, a port that cannot
 *   be had, or a public address where anyone could use the upstream's key
 */
export async function serveGuard(options: ServeGuardOptions): Promise<RunningServer> {
  const {
    guard,
    policy = toPolicy(),
    host = '127.0.0.1',
    port = 8200,
    apiKey,
    upstreamKey,
    onFailure = () => {},
  } = options;
  if (upstreamKey !== undefined && apiKey === undefined && !isOwnAddress(host)) {
    throw new TenetError(
      'usage',
      `${host} can be reached by others, who could then use the upstream's key: set TENET_GUARD_API_KEY, or serve on 127.0.0.1.`,
    );
  }
  const upstream = new Upstream({
    url: options.upstream,
    apiKey: upstreamKey,
    silenceMs: policy.limits.upstreamSilenceMs,
  });
  const { store, observers } = options;
  const { app, close: closeApp } = await openGuardApp({
    ...{ guard, policy, store, upstream, observers, apiKey, onFailure },
    hasUpstreamKey: upstreamKey !== undefined,
    isLocal: isOwnAddress(host),
  });
  const server = await listen((request, environment) => app.fetch(request, environment), host, port).catch(
    async (error) => {
      await closeApp();
      throw error;
    },
  );
  return {
    url: `${originOf(server, host)}/v1`,
    close: async ({ graceMs = defaultGraceMs } = {}) => {
      await closeServer(server, graceMs);
      await closeApp();
      await guard.close();
    },
  };
}
