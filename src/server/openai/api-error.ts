/** Errors as OpenAI's interface words them, so that its clients raise what their users expect. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { TenetError } from '../../base/index.ts';

export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The request's field that is wrong, or null. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly body: ApiErrorBody;

  constructor(
    status: ContentfulStatusCode,
    message: string,
    {
      type = 'invalid_request_error',
      param = null,
      code = null,
    }: { type?: string; param?: string | null; code?: string | null } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.body = { error: { message, type, param, code } };
  }
}

/** What a client is told about any failure. Faults of ours are told without their inside. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (TenetError.is(error)) {
    if ('contextLength' in error.details) {
      return new ApiError(400, error.message, { param: 'messages', code: 'context_length_exceeded' });
    }
    if (['usage', 'data', 'model'].includes(error.code)) return new ApiError(400, error.message);
    // Nobody hears this one: the client has gone.
    if (error.code === 'interrupted')
      return new ApiError(503, 'The connection has ended.', { type: 'server_error' });
  }
  return new ApiError(500, 'The server failed to answer this request; its log says why.', {
    type: 'server_error',
  });
}

/** The error as a response. */
export function respondWithError(context: Context, error: ApiError): Response {
  return context.json(error.body, error.status);
}
