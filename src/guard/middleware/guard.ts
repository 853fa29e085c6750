/** The guard inside a program: around a model of the AI SDK, or a route of a Hono app. */
import { randomUUID } from 'node:crypto';
import type { LanguageModelMiddleware } from 'ai';
import type { MiddlewareHandler } from 'hono';
import { TenetError } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';
import { Exchange, type GuardObserver } from '../enforce/exchange.ts';
import { openRecords } from '../observe/open-records.ts';
import { openGuard } from '../open-guard.ts';
import { type GuardPolicy, type GuardPolicyInput, rulesFor } from '../policy/policy.ts';
import { readPolicy, toPolicy } from '../policy/read-policy.ts';
import type { GuardMessage, GuardModel } from '../screen.ts';
import { type HonoGuardOptions, honoMiddleware } from './hono-middleware.ts';
import { sdkMiddleware } from './sdk-middleware.ts';

export interface GuardOptions {
  /** A policy, or its file. Rules are matched by the model's name, and for routes by their path. Default: as it stands. */
  readonly policy?: GuardPolicyInput | string;
  /** Where cases for people go; needed where the policy has a ledger. Left open when the guard is closed. */
  readonly store?: Store;
  readonly observers?: readonly GuardObserver[];
  /** Told of failures: of the guard, of its log, of its ledger. Default: they are written to the console. */
  readonly onFailure?: (error: unknown) => void;
}

export interface Guard {
  /** What screens. */
  readonly model: GuardModel;
  readonly policy: GuardPolicy;
  /** For `wrapLanguageModel` of the AI SDK. */
  readonly middleware: LanguageModelMiddleware;
  /** For a route of a Hono app. */
  hono(options?: HonoGuardOptions): MiddlewareHandler;
  /** Takes an appeal against a block, where the policy has a ledger. */
  appeal(requestId: string, note?: string): Promise<'queued' | 'known' | 'unknown'>;
  /** Waits until log and ledger are written, and frees what screens. */
  close(): Promise<void>;
}

/**
 * @param which `keywords`, the folder of a guard, or what screens
 * @throws TenetError('usage') for a guard or a policy that cannot be used
 * @example
 * const guarded = await guard('guards/house');
 * const model = wrapLanguageModel({ model: openai('gpt-4.1'), middleware: guarded.middleware });
 * @example
 * const guarded = await guard('keywords');
 * app.use('/chat', guarded.hono());
 */
export async function guard(which: string | GuardModel, options: GuardOptions = {}): Promise<Guard> {
  const { store, onFailure = console.error } = options;
  const policy =
    typeof options.policy === 'string' ? await readPolicy(options.policy) : toPolicy(options.policy);
  if (policy.cascade) {
    throw new TenetError(
      'usage',
      'The policy has a cascade: open it with openCascade(policy.cascade) and give guard what it returns.',
    );
  }
  const model = typeof which === 'string' ? await openGuard(which) : which;
  const records = await openRecords(policy, { store, onFailure });
  const { audit, cases, underway } = records;
  const observers: GuardObserver[] = [
    underway,
    { failed: onFailure },
    ...(audit ? [audit] : []),
    ...(cases ? [cases] : []),
    ...(options.observers ?? []),
  ];
  const begin = (
    facts: { readonly route: string; readonly model: string; readonly stream: boolean },
    messages: readonly GuardMessage[],
    signal?: AbortSignal,
  ): Exchange =>
    new Exchange({
      guard: model,
      rules: rulesFor(policy, facts, model.thresholds),
      facts: { ...facts, requestId: randomUUID() },
      messages,
      observers,
      signal,
    });
  return {
    model,
    policy,
    middleware: sdkMiddleware((name, messages, { stream, signal }) =>
      begin({ route: 'ai-sdk', model: name, stream }, messages, signal),
    ),
    hono: (honoOptions) => honoMiddleware(begin, honoOptions),
    appeal: async (requestId, note) => (await cases?.appeal(requestId, note ?? null)) ?? 'unknown',
    close: async () => {
      await records.close();
      await model.close();
    },
  };
}
