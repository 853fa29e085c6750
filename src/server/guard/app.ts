/** The guard as a server: OpenAI's interface on both sides. */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import {
  chatDialect,
  completionDialect,
  type GuardMetrics,
  type GuardModel,
  type GuardObserver,
  type GuardPolicy,
  guardUnavailable,
  rulesFor,
  ScreeningFailure,
  type SharedProbe,
  WireError,
} from '../../guard/index.ts';
import { ApiError, asApiError } from '../openai/api-error.ts';
import { checkHost, checkKey, readJson } from '../openai/request-checks.ts';
import { readRequest } from '../openai/request-fields.ts';
import { complete, type GuardContext, type GuardVariables } from './complete.ts';
import { moderate } from './moderations.ts';
import { type Answerer, headersBack, keyHeaders, upstreamError } from './upstream.ts';

/** Takes appeals against blocks. */
export interface Appeals {
  /**
   * @param note why it was harmless, in the words of who appeals
   * @returns `unknown`: no block of this name is remembered; `known`: it has been appealed against before
   */
  appeal(requestId: string, note: string | null): Promise<'queued' | 'known' | 'unknown'>;
}

export interface GuardAppOptions {
  readonly guard: GuardModel;
  readonly policy: GuardPolicy;
  readonly upstream: Answerer;
  /** Of the guard, where the upstream is a model in this process that computes it. */
  readonly shared?: SharedProbe | null;
  readonly metrics: GuardMetrics;
  readonly observers?: readonly GuardObserver[];
  /** Has people judge blocks, and takes appeals against them. Null: nobody is asked. */
  readonly cases?: (GuardObserver & Appeals) | null;
  /** Clients must bring it; without one their own keys go on to the upstream. */
  readonly apiKey?: string;
  /** True: the upstream's key is this server's, so that without `apiKey` only this machine's programs may ask. */
  readonly hasUpstreamKey: boolean;
  /**
   * True: only this machine's programs reach it. Whoever brings no key must then call it by one of the machine's own names, or
   * else pages of the web could ask an upstream that takes the guard for one of those programs. Default false.
   */
  readonly isLocal?: boolean;
  /** Told of failures that are the server's own, and of the guard's. */
  readonly onFailure: (error: unknown) => void;
}

export function guardApp(options: GuardAppOptions): Hono<GuardVariables> {
  const { guard, policy, upstream, metrics, cases = null, apiKey, onFailure } = options;
  const { hasUpstreamKey, isLocal = false } = options;
  const observers: GuardObserver[] = [metrics, { failed: onFailure }, ...(options.observers ?? [])];
  const app = new Hono<GuardVariables>();

  app.get('/healthz', (context) => {
    const health = { status: guard.isClosed ? 'failed' : 'ok', guard: guard.name, requests: metrics.active };
    return context.json(health, guard.isClosed ? 503 : 200);
  });
  app.get('/metrics', (context) =>
    context.body(metrics.text(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.use('/v1/*', async (context, next) => {
    const requestId = randomUUID();
    context.set('requestId', requestId);
    context.header('x-request-id', requestId);
    if (apiKey !== undefined) checkKey(context, apiKey);
    else if (hasUpstreamKey || (isLocal && !bringsKey(context))) checkHost(context);
    await next();
  });
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: policy.limits.requestBytes,
      onError: () => {
        throw new ApiError(413, `The request is larger than ${policy.limits.requestBytes} bytes.`, {
          code: 'request_too_large',
        });
      },
    }),
  );
  const { shared = null } = options;
  const completing = { guard, policy, upstream, shared, metrics, passKey: apiKey === undefined };
  const completionObservers = [...observers, ...(cases ? [cases] : [])];
  for (const dialect of [chatDialect, completionDialect]) {
    app.post(dialect.path, async (context) =>
      complete(context, await readJson(context), { ...completing, dialect, observers: completionObservers }),
    );
  }
  app.get('/v1/models', (context) => pass(context));
  app.get('/v1/models/:id{.+}', (context) => pass(context));
  app.post('/v1/moderations', async (context) => {
    const rules = rulesFor(policy, { route: '/v1/moderations', model: guard.name }, guard.thresholds);
    const requestId = context.get('requestId');
    const { signal } = context.req.raw;
    return context.json(
      await moderate(await readJson(context), { guard, policy, rules, requestId, observers, signal }),
    );
  });
  app.post('/v1/guard/appeals', async (context) => takeAppeal(context, cases));
  app.all('/v1/*', (context) => {
    if (policy.passThrough.includes(context.req.path)) return pass(context);
    throw new ApiError(
      404,
      `The guard does not screen ${context.req.method} ${context.req.path}, so it is not passed on. It can be, unscreened, with passThrough in the guard's policy.`,
      { code: 'unknown_url' },
    );
  });
  app.notFound((context) => {
    const { body, status } = new ApiError(
      404,
      `There is no ${context.req.method} ${context.req.path} here.`,
      { code: 'unknown_url' },
    );
    return context.json(body, status);
  });
  app.onError((error, context) => {
    const requestId = context.get('requestId');
    const headers = requestId === undefined ? undefined : { 'x-request-id': requestId };
    if (error instanceof WireError) return error.response(headers);
    if (error instanceof ScreeningFailure) return guardUnavailable().response(headers);
    const told = asApiError(error);
    if (told.status === 500) onFailure(error);
    return context.json(told.body, told.status, headers);
  });

  async function pass(context: GuardContext): Promise<Response> {
    const { method, raw, path } = context.req;
    const response = await upstream.fetch({
      method,
      path: `${path}${new URL(raw.url).search}`,
      headers: raw.headers,
      passKey: apiKey === undefined,
      requestId: context.get('requestId'),
      ...(raw.body && { body: raw.body }),
      signal: raw.signal,
    });
    if (!response.ok) return upstreamError(response);
    return new Response(response.body, {
      status: response.status,
      headers: {
        ...headersBack(response),
        'content-type': response.headers.get('content-type') ?? 'application/json',
        'x-request-id': context.get('requestId'),
      },
    });
  }

  return app;
}

function bringsKey({ req }: GuardContext): boolean {
  return keyHeaders.some((name) => req.header(name) !== undefined);
}

const appealBody = z.strictObject({
  request_id: z.string().min(1).max(100),
  note: z.string().max(2000, 'must have at most 2000 characters').nullish(),
});

async function takeAppeal(context: GuardContext, appeals: Appeals | null): Promise<Response> {
  const { request_id: requestId, note } = readRequest(appealBody, await readJson(context));
  if (appeals === null) {
    throw new ApiError(404, 'Nobody is asked about appeals here: this guard was started without a ledger.', {
      code: 'no_ledger',
    });
  }
  const status = await appeals.appeal(requestId, note ?? null);
  if (status === 'unknown') {
    throw new ApiError(
      404,
      `No block is known for the request ${JSON.stringify(requestId)}; it may be too long ago.`,
      {
        param: 'request_id',
        code: 'unknown_request',
      },
    );
  }
  return context.json({ object: 'guard.appeal', request_id: requestId, status: 'queued' });
}
