/** How errors reach the user: Tenet's own without a stack, unexpected ones with the way to get it. */
import { styleText } from 'node:util';
import { TenetError } from '../base/error.ts';

export interface PrintErrorOptions {
  /** Also print the error as a JSON line on standard output. */
  readonly json: boolean;
  /** Print stacks and causes. */
  readonly debug: boolean;
}

/** Prints an error on standard error; with `json` also as `{"type": "error", …}` on standard output. */
export function printError(error: unknown, { json, debug }: PrintErrorOptions): void {
  const known = TenetError.is(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const record = {
      type: 'error',
      code: known ? error.code : 'unexpected',
      message,
      ...(known ? { details: error.details } : {}),
    };
    process.stdout.write(`${JSON.stringify(record)}\n`);
  }
  process.stderr.write(`${head(error)} ${message}\n`);
  if (debug) process.stderr.write(`${stackOf(error)}\n`);
  else if (!known) {
    process.stderr.write(
      'This is a fault in Tenet or in the system. Add --debug for the stack to report it with.\n',
    );
  }
}

/** Tells whoever runs a server of a failure that no client is to hear of, with its stack. */
export function reportFailure(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
}

function head(error: unknown): string {
  const interrupted = TenetError.is(error) && error.code === 'interrupted';
  const text = interrupted ? 'stopped:' : TenetError.is(error) ? 'error:' : 'unexpected error:';
  const color = process.stderr.isTTY && !process.env.NO_COLOR;
  return color ? styleText(interrupted ? 'yellow' : 'red', text, { validateStream: false }) : text;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '(no stack: what was thrown is not an Error)';
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return (error.stack ?? error.message) + cause;
}
