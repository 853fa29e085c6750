/** Server-sent events: what happens is told as it happens. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

export type SendEvent = (event: string, data: object) => void;

const beatEveryMs = 20_000;

/**
 * Answers with a stream that ends when `write` does.
 * @param write is told by the signal when nobody listens any more
 */
export function eventStream(
  context: Context,
  write: (send: SendEvent, signal: AbortSignal) => Promise<void>,
): Response {
  context.header('x-accel-buffering', 'no'); // proxies must pass events on at once
  return streamSSE(context, async (stream) => {
    const ended = new AbortController();
    stream.onAbort(() => ended.abort());
    // Events come faster than a slow client takes them; they wait in order, and the last is sent before the end.
    let last: Promise<unknown> = Promise.resolve();
    const send = (event: string, data: string): void => {
      last = last.then(() => stream.writeSSE({ event, data }));
    };
    // Connections on which nothing comes are cut by what stands between.
    const beat = setInterval(() => send('beat', ''), beatEveryMs);
    try {
      await write((event, data) => send(event, JSON.stringify(data)), ended.signal);
      await last;
    } finally {
      clearInterval(beat);
    }
  });
}
