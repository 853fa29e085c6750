/** What a request is told when it fails. */
import { TenetError } from '../../base/index.ts';

export type HttpErrorCode =
  | 'invalid'
  | 'not-signed-in'
  | 'not-allowed'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'too-many'
  | 'wrong-origin'
  | 'unavailable'
  | 'internal';

const statusOf = {
  invalid: 400,
  'not-signed-in': 401,
  'not-allowed': 403,
  'wrong-origin': 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<HttpErrorCode, number>;

export class HttpError extends Error {
  readonly code: HttpErrorCode;
  readonly status: (typeof statusOf)[HttpErrorCode];
  /** Sent along: which fields are wrong, how long to wait. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: HttpErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'HttpError';
    this.code = code;
    this.status = statusOf[code];
    this.details = details;
  }

  get body(): object {
    return { error: { code: this.code, message: this.message, ...this.details } };
  }
}

/** Mistakes of the asker are told as they are; of anything else only that it happened, and the server logs it. */
export function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (TenetError.is(error) && ['usage', 'data', 'model', 'preflight'].includes(error.code)) {
    return new HttpError('invalid', error.message);
  }
  // Trouble with the database itself names its address; whatever else the store refuses, it refuses at every try.
  if (TenetError.is(error) && error.code === 'store' && !('url' in error.details)) {
    const { eventId } = error.details;
    return new HttpError('conflict', error.message, eventId === undefined ? {} : { eventId });
  }
  if (TenetError.is(error) && (error.code === 'provider' || error.code === 'budget')) {
    return new HttpError('unavailable', error.message);
  }
  return new HttpError('internal', 'Something went wrong in the server; its log says what.');
}
