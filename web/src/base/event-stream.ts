/** Server-sent events as the answer to a POST, which a browser's EventSource cannot make. */
import { ApiError, asPerson, OfflineError } from './api.ts';

/**
 * Posts, and tells each event as it comes.
 * @returns when the stream has ended
 * @throws ApiError for a refusal, OfflineError without a connection, AbortError when the signal fires
 */
export async function postForEvents(
  path: string,
  body: unknown,
  onEvent: (event: string, data: never) => void,
  signal?: AbortSignal,
): Promise<void> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...asPerson() },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw signal?.aborted ? error : new OfflineError();
  }
  if (!response.ok || !response.body) {
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    throw new ApiError(response.status, isJson ? ((await response.json()).error ?? {}) : {});
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw signal?.aborted ? error : new OfflineError();
    });
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) tell(block, onEvent);
  }
}

/** One event: lines of `event:` and `data:`. */
function tell(block: string, onEvent: (event: string, data: never) => void): void {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice('event:'.length).trim();
    else if (line.startsWith('data:')) data.push(line.slice('data:'.length).replace(/^ /, ''));
  }
  const text = data.join('\n');
  if (text !== '') onEvent(event, JSON.parse(text) as never);
}
