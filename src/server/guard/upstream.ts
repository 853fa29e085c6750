/** The server that the guard stands before. */
import { TenetError } from '../../base/index.ts';
import { type SharedReading, WireError } from '../../guard/index.ts';

export interface UpstreamOptions {
  /** Such as `http://localhost:8000/v1`; without a path, `/v1` is added. */
  readonly url: string;
  /** Sent in place of the client's own; it never leaves this process but to the upstream. */
  readonly apiKey?: string;
  /** Longest wait for the beginning of an answer. */
  readonly silenceMs: number;
}

/** What of a request's headers the upstream is told. Cookies and addresses are not its business. */
const passedOn = [
  ...['accept', 'user-agent', 'openai-organization', 'openai-project', 'openai-beta', 'idempotency-key'],
  ...['traceparent', 'tracestate'],
];
/** Where clients put keys of their own. */
export const keyHeaders = ['authorization', 'api-key', 'x-api-key'] as const;
/** What of the upstream's headers clients are told. */
const passedBack = /^(?:retry-after|retry-after-ms|x-ratelimit-.*|openai-processing-ms|openai-version)$/;

export interface UpstreamCall {
  readonly method: string;
  /** `/v1/…`, with its query. */
  readonly path: string;
  readonly headers: Headers;
  /** Whether the client's own key goes on to the upstream. */
  readonly passKey: boolean;
  readonly requestId: string;
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
  /** Told what the model makes of what it reads and writes, where the model is in this process. */
  readonly reading?: SharedReading;
}

/** Whatever answers the requests that the guard lets pass. */
export interface Answerer {
  /** @throws WireError for what gives no answer */
  fetch(call: UpstreamCall): Promise<Response>;
}

/** A server at an address. */
export class Upstream implements Answerer {
  readonly url: string;
  private readonly options: UpstreamOptions;

  /** @throws TenetError('usage') for what is no address of a server */
  constructor(options: UpstreamOptions) {
    this.options = options;
    let url: URL;
    try {
      url = new URL(options.url);
    } catch {
      throw new TenetError(
        'usage',
        `--upstream ${JSON.stringify(options.url)} is no address; give it as http://localhost:8000/v1.`,
      );
    }
    if (!/^https?:$/.test(url.protocol)) {
      throw new TenetError(
        'usage',
        `--upstream ${JSON.stringify(options.url)} must begin with http:// or https://, as in http://localhost:8000/v1.`,
      );
    }
    if (url.username !== '' || url.password !== '') {
      throw new TenetError(
        'usage',
        'Keys do not belong into --upstream; set TENET_GUARD_UPSTREAM_KEY instead.',
      );
    }
    const path = url.pathname.replace(/\/+$/, '');
    this.url = `${url.origin}${path === '' ? '/v1' : path}`;
  }

  /** @throws WireError 502 when it cannot be reached, 504 when it says nothing */
  async fetch({ method, path, headers, passKey, requestId, body, signal }: UpstreamCall): Promise<Response> {
    const sent = new Headers();
    for (const name of passedOn) {
      const value = headers.get(name);
      if (value !== null) sent.set(name, value);
    }
    if (body !== undefined) sent.set('content-type', headers.get('content-type') ?? 'application/json');
    sent.set('x-request-id', requestId);
    const { apiKey, silenceMs } = this.options;
    if (apiKey !== undefined) sent.set('authorization', `Bearer ${apiKey}`);
    else if (passKey) {
      for (const name of keyHeaders) {
        const value = headers.get(name);
        if (value !== null) sent.set(name, value);
      }
    }
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), silenceMs);
    try {
      return await fetch(`${this.url}${path.replace(/^\/v1/, '')}`, {
        method,
        headers: sent,
        ...(body !== undefined && { body, duplex: 'half' }),
        // A key must not follow to wherever the upstream points.
        redirect: 'error',
        signal: AbortSignal.any([signal, silence.signal]),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      if (silence.signal.aborted) {
        throw new WireError(504, `The upstream sent nothing for ${silenceMs} ms.`, {
          type: 'upstream_error',
          code: 'upstream_timeout',
        });
      }
      throw new WireError(502, `The upstream cannot be reached: ${reasonOf(error)}.`, {
        type: 'upstream_error',
        code: 'upstream_unreachable',
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What of an upstream's headers is told to clients. */
export function headersBack(response: Response): Record<string, string> {
  return Object.fromEntries([...response.headers].filter(([name]) => passedBack.test(name)));
}

const mostErrorBytes = 64 * 1024;

/** An upstream's refusal in the API's form: its own where it has it, else one that says its status. */
export async function upstreamError(response: Response): Promise<Response> {
  const text = await firstText(response);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  const { error } = (body ?? {}) as { error?: unknown };
  const told =
    typeof error === 'object' && error !== null
      ? { error }
      : new WireError(response.status, `The upstream answered with status ${response.status}.`, {
          type: 'upstream_error',
          code: 'upstream_error',
        }).body;
  // Statuses that say something about the connection between us and it would mislead the client.
  const status = response.status >= 400 ? response.status : 502;
  return Response.json(told, { status, headers: headersBack(response) });
}

async function firstText(response: Response): Promise<string> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > mostErrorBytes) break;
    }
  } catch {
    // It broke off; what has come may still be an error that can be told.
  }
  return text;
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const { code = '', message = (error as Error).message } = cause ?? {};
  return reasons[code] ?? (code || message);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
};
