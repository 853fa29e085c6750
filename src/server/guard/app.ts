/** The guard as a server: OpenAI's interface on both sides. */
import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import {
  chatDialect,
  completionDialect,
  type Dialect,
  Exchange,
  type GuardMetrics,
  type GuardModel,
  type GuardObserver,
  type GuardPolicy,
  type GuardRules,
  guardResponse,
  guardUnavailable,
  refuseInput,
  rulesFor,
  ScreeningFailure,
  unreadable,
  WireError,
} from '../../guard/index.ts';
import { ApiError, asApiError } from '../openai/api-error.ts';
import { checkHost, checkKey, readJson } from '../openai/request-checks.ts';
import { readRequest } from '../openai/request-fields.ts';
import { moderate } from './moderations.ts';
import { headersBack, type Upstream, upstreamError } from './upstream.ts';

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
  readonly upstream: Upstream;
  readonly metrics: GuardMetrics;
  readonly observers?: readonly GuardObserver[];
  /** Has people judge blocks, and takes appeals against them. Null: nobody is asked. */
  readonly cases?: (GuardObserver & Appeals) | null;
  /** Clients must bring it; without one their own keys go on to the upstream. */
  readonly apiKey?: string;
  /** True: the upstream's key is this server's, so that without `apiKey` only this machine's programs may ask. */
  readonly hasUpstreamKey: boolean;
  /** Told of failures that are the server's own, and of the guard's. */
  readonly onFailure: (error: unknown) => void;
}

type Variables = { readonly Variables: { requestId: string } };
type GuardContext = Context<Variables>;

export function guardApp(options: GuardAppOptions): Hono<Variables> {
  const { guard, policy, upstream, metrics, cases = null, apiKey, hasUpstreamKey, onFailure } = options;
  const observers = [metrics, ...(options.observers ?? [])];
  const app = new Hono<Variables>();

  app.get('/healthz', (context) =>
    context.json({ status: 'ok', guard: guard.name, requests: metrics.active }),
  );
  app.get('/metrics', (context) =>
    context.body(metrics.text(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.use('/v1/*', async (context, next) => {
    const requestId = randomUUID();
    context.set('requestId', requestId);
    context.header('x-request-id', requestId);
    if (apiKey !== undefined) checkKey(context, apiKey);
    else if (hasUpstreamKey) checkHost(context);
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
  app.post('/v1/chat/completions', (context) => complete(context, chatDialect));
  app.post('/v1/completions', (context) => complete(context, completionDialect));
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

  async function complete(context: GuardContext, dialect: Dialect): Promise<Response> {
    if (metrics.active >= policy.limits.requests) {
      throw new WireError(503, `The guard is at work on ${metrics.active} requests; try again in a moment.`, {
        code: 'overloaded',
      });
    }
    metrics.active++;
    let isCounted = true;
    const uncount: GuardObserver = {
      finished() {
        if (isCounted) metrics.active--;
        isCounted = false;
      },
    };
    let exchange: Exchange | undefined;
    try {
      const body = readRequest(dialect === chatDialect ? chatBody : completionBody, await readJson(context));
      const rules = rulesFor(policy, { route: context.req.path, model: body.model }, guard.thresholds);
      const conversations = dialect.conversations(body);
      // Aborted by the client's going, and by the end of what the guard lets through.
      const ended = new AbortController();
      const signal = AbortSignal.any([context.req.raw.signal, ended.signal]);
      exchange = new Exchange({
        guard,
        rules,
        facts: {
          requestId: context.get('requestId'),
          route: context.req.path,
          model: body.model ?? '',
          stream: body.stream === true,
          ...clientRequestId(context),
        },
        messages: conversations.prompts.flat(),
        observers: [...observers, ...(cases ? [cases] : []), uncount],
        signal,
      });
      const response = await answer(context, exchange, {
        dialect,
        body,
        rules,
        signal,
        stop: () => ended.abort(),
      });
      const headers = new Headers(response.headers);
      headers.set('x-request-id', exchange.facts.requestId);
      return new Response(response.body, { status: response.status, headers });
    } catch (error) {
      if (exchange === undefined) uncount.finished?.(undefined as never);
      else exchange.finish(context.req.raw.signal.aborted ? 'aborted' : outcomeOf(error));
      if (error instanceof ScreeningFailure) onFailure(error);
      throw error;
    }
  }

  async function answer(
    context: GuardContext,
    exchange: Exchange,
    {
      dialect,
      body,
      rules,
      signal,
      stop,
    }: { dialect: Dialect; body: Body; rules: GuardRules; signal: AbortSignal; stop: () => void },
  ): Promise<Response> {
    const conversations = dialect.conversations(body);
    const withUsage = body.stream_options?.include_usage === true;
    if (conversations.unreadable !== null && rules.mode === 'enforce' && rules.otherContent === 'refuse') {
      throw unreadable(conversations.unreadable);
    }
    if (await exchange.refusesInput()) {
      exchange.finish();
      return refuseInput(exchange, dialect, conversations, withUsage);
    }
    const response = await upstream.fetch({
      method: 'POST',
      path: context.req.path,
      headers: context.req.raw.headers,
      passKey: apiKey === undefined,
      requestId: exchange.facts.requestId,
      // Written anew, so that the upstream reads what the guard has read: of two fields of one name there is one left.
      body: JSON.stringify(body),
      signal,
    });
    exchange.upstreamStatus = response.status;
    if (response.status !== 200) {
      const told = await upstreamError(response);
      stop();
      exchange.finish('failed');
      return told;
    }
    const limits = { answerBytes: policy.limits.answerBytes, silenceMs: policy.limits.upstreamSilenceMs };
    const guarded = await guardResponse(response, { exchange, dialect, conversations, limits, stop });
    for (const [name, value] of Object.entries(headersBack(response))) guarded.headers.set(name, value);
    return guarded;
  }

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
    if (response.status !== 200) return upstreamError(response);
    return new Response(response.body, {
      headers: {
        ...headersBack(response),
        'content-type': response.headers.get('content-type') ?? 'application/json',
        'x-request-id': context.get('requestId'),
      },
    });
  }

  return app;
}

const text = z.string('must be a text');
/** Fields that decide how a request is guarded; the rest is the upstream's business. */
const common = {
  model: text.optional(),
  stream: z.boolean().nullish(),
  n: z.int().min(1).max(128).nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
};
const chatBody = z.looseObject({
  ...common,
  messages: z.array(z.looseObject({ role: z.string() })).min(1, 'at least one message is needed'),
});
const completionBody = z.looseObject({ ...common, prompt: z.union([text, z.array(z.unknown()).min(1)]) });
type Body = z.output<typeof chatBody> | z.output<typeof completionBody>;

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

function clientRequestId(context: GuardContext): { readonly clientRequestId?: string } {
  const given = context.req.header('x-request-id') ?? '';
  return /^[\w.:-]{1,100}$/.test(given) ? { clientRequestId: given } : {};
}

function outcomeOf(error: unknown): 'refused' | 'failed' {
  const isRefused =
    error instanceof ScreeningFailure || (error instanceof WireError && [400, 503].includes(error.status));
  return isRefused ? 'refused' : 'failed';
}
