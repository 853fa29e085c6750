/** The HTTP interface of OpenAI over a local model. */
import { timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { hashOf } from '../../base/index.ts';
import { ApiError, asApiError, respondWithError } from './api-error.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import type { ServedModel } from './served-model.ts';

export interface AppOptions {
  /** Requests must bring it; without one only this machine's own programs are answered. */
  readonly apiKey?: string;
  /** Most bytes of a request. Default 4 MiB. */
  readonly bodyLimitBytes?: number;
}

const defaultBodyLimitBytes = 4 * 2 ** 20;
/** Names by which a machine calls itself. */
const ownNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

export function openAiApp(model: ServedModel, options: AppOptions = {}): Hono {
  const { apiKey, bodyLimitBytes = defaultBodyLimitBytes } = options;
  const app = new Hono();
  app.get('/healthz', (context) =>
    context.json({ status: 'ok', model: model.id, requests: model.engine.load }),
  );
  app.use('/v1/*', async (context, next) => {
    if (apiKey !== undefined) checkKey(context, apiKey);
    else checkHost(context);
    await next();
  });
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: bodyLimitBytes,
      onError: () => {
        throw new ApiError(413, `The request is larger than ${bodyLimitBytes} bytes.`, {
          code: 'request_too_large',
        });
      },
    }),
  );
  app.get('/v1/models', (context) => context.json({ object: 'list', data: [describe(model)] }));
  app.get('/v1/models/:id{.+}', (context) => {
    const id = context.req.param('id');
    if (id === model.id) return context.json(describe(model));
    throw new ApiError(404, `The model '${id}' does not exist; this server offers '${model.id}'.`, {
      param: 'model',
      code: 'model_not_found',
    });
  });
  app.post('/v1/chat/completions', async (context) =>
    chatCompletions(context, await readJson(context), model),
  );
  app.post('/v1/completions', async (context) => completions(context, await readJson(context), model));
  app.notFound((context) =>
    respondWithError(
      context,
      new ApiError(404, `There is no ${context.req.method} ${context.req.path} here.`, {
        code: 'unknown_url',
      }),
    ),
  );
  app.onError((error, context) => {
    const told = asApiError(error);
    if (told.status === 500) model.onFailure(error);
    return respondWithError(context, told);
  });
  return app;
}

function describe({ id, created }: ServedModel): object {
  return { id, object: 'model', created, owned_by: 'tenet' };
}

async function readJson(context: Context): Promise<unknown> {
  // Web pages may send other types to any address without being asked; this one they may not.
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
    throw new ApiError(415, 'Send JSON, with the header content-type: application/json.', {
      code: 'unsupported_media_type',
    });
  }
  try {
    return await context.req.json();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'The body of the request is not valid JSON.', { code: 'invalid_json' });
  }
}

function checkKey(context: Context, apiKey: string): void {
  const given = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1] ?? '';
  // Hashes have one length, so that the comparison tells nothing about the key.
  if (timingSafeEqual(Buffer.from(hashOf(given)), Buffer.from(hashOf(apiKey)))) return;
  const message =
    given === ''
      ? 'No API key was given: send Authorization: Bearer <key>.'
      : 'The API key is not the right one.';
  throw new ApiError(401, message, { code: 'invalid_api_key' });
}

/** A web page can make a browser call this machine under a name of its own (DNS rebinding); such calls are refused. */
function checkHost(context: Context): void {
  const host = (context.req.header('host') ?? '').replace(/:\d+$/, '');
  if (ownNames.has(host)) return;
  throw new ApiError(403, `Requests for the host ${JSON.stringify(host)} need an API key on this server.`, {
    code: 'host_not_allowed',
  });
}
