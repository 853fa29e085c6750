/** Server-sent events, as OpenAI's streams are made of. */
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import { asApiError } from './api-error.ts';

/**
 * Answers with a stream. A failure after its beginning is told as an event, since the status has been sent.
 * @param write sends each event with `send`; when it ends the stream is closed with `[DONE]`
 * @param options.onFailure told of failures that are the server's own
 */
export function eventStream(
  context: Context,
  write: (send: (event: object) => void) => Promise<void>,
  options: { readonly onFailure: (error: unknown) => void },
): Response {
  context.header('content-type', 'text/event-stream; charset=utf-8');
  context.header('cache-control', 'no-cache');
  context.header('x-accel-buffering', 'no'); // proxies must pass events on at once
  return stream(context, async (output) => {
    // Events come faster than a slow client takes them; they wait in order.
    let last: Promise<unknown> = Promise.resolve();
    const send = (text: string): void => {
      last = last.then(() => output.write(`data: ${text}\n\n`));
    };
    try {
      await write((event) => send(JSON.stringify(event)));
      send('[DONE]');
    } catch (error) {
      const told = asApiError(error);
      if (told.status === 500) options.onFailure(error);
      send(JSON.stringify(told.body));
    }
    await last;
  });
}
