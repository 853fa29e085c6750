/** The HTTP interface of OpenAI over a local model. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ApiError, asApiError, respondWithError } from './api-error.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { checkHost, checkKey, readJson } from './request-checks.ts';
import type { ServedModel, ServerBindings } from './served-model.ts';

export interface AppOptions {
  /** Requests must bring it; without one only this machine's own programs are answered. */
  readonly apiKey?: string;
  /** Most bytes of a request. Default 4 MiB. */
  readonly bodyLimitBytes?: number;
}

const defaultBodyLimitBytes = 4 * 2 ** 20;

export function openAiApp(model: ServedModel, options: AppOptions = {}): Hono<ServerBindings> {
  const { apiKey, bodyLimitBytes = defaultBodyLimitBytes } = options;
  const app = new Hono<ServerBindings>();
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
