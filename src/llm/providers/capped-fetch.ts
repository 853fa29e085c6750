/** Keeps a server that never stops sending from filling the memory. */
import { TenetError } from '../../base/index.ts';

const mostBytes = 64 * 2 ** 20;

/** `fetch`, whose responses fail once they are larger than any answer could be. */
export const cappedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!response.body) return response;
  let received = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      received += chunk.byteLength;
      if (received > mostBytes) {
        controller.error(
          new TenetError(
            'provider',
            `${response.url} sent more than ${mostBytes / 2 ** 20} MiB as one answer.`,
            {
              details: { model: response.url, retryable: false },
            },
          ),
        );
      } else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
};
