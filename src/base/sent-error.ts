/** Errors on their way from one thread to another. */
import { type ErrorCode, TenetError } from './error.ts';
import { explainFileError } from './file-error.ts';

/** An error as it crosses threads. */
export interface SentError {
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly stack: string | undefined;
  readonly details: Record<string, unknown>;
}

/** An error ready to be sent; of a path that cannot be used, what a user can do about it. */
export function sendableError(thrown: unknown): SentError {
  const error = explainFileError(thrown);
  const isError = error instanceof Error;
  return {
    code: TenetError.is(error) ? error.code : null,
    message: isError ? error.message : String(error),
    stack: isError ? error.stack : undefined,
    details: TenetError.is(error)
      ? (JSON.parse(JSON.stringify(error.details)) as Record<string, unknown>)
      : {},
  };
}

/** The error that was sent, with its own stack. */
export function receivedError({ code, message, stack, details }: SentError): Error {
  const error = code === null ? new Error(message) : new TenetError(code, message, { details });
  if (stack) error.stack = stack;
  return error;
}
