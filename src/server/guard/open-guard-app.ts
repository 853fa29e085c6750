/** The guard's app with all that it keeps of requests: metrics, an audit log, cases for people. */
import type { Hono } from 'hono';
import {
  GuardMetrics,
  type GuardModel,
  type GuardObserver,
  type GuardPolicy,
  openRecords,
} from '../../guard/index.ts';
import type { Store } from '../../store/index.ts';
import { type GuardAppOptions, guardApp } from './app.ts';
import type { GuardVariables } from './complete.ts';

export interface OpenGuardAppOptions
  extends Pick<
    GuardAppOptions,
    'upstream' | 'shared' | 'apiKey' | 'hasUpstreamKey' | 'isLocal' | 'onFailure'
  > {
  readonly guard: GuardModel;
  readonly policy: GuardPolicy;
  /** Where cases for people go; left open when the app ends. Needed where the policy has a ledger. */
  readonly store?: Store;
  readonly observers?: readonly GuardObserver[];
}

export interface OpenGuardApp {
  readonly app: Hono<GuardVariables>;
  /** Waits until everything is written. The guard stays open. */
  close(): Promise<void>;
}

/** @throws TenetError('usage') for a policy that does not fit the options */
export async function openGuardApp({
  policy,
  store,
  observers = [],
  ...options
}: OpenGuardAppOptions): Promise<OpenGuardApp> {
  const metrics = new GuardMetrics();
  const { cases, audit, underway, close } = await openRecords(policy, {
    store,
    onCase: (why) => metrics.caseAdded(why),
    onFailure: options.onFailure,
  });
  const all = [underway, ...(audit ? [audit] : []), ...observers];
  return { app: guardApp({ ...options, policy, metrics, cases, observers: all }), close };
}
