/** An OpenAI-compatible server that answers as it is told and fails as it is told, for tests of what calls one. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Random } from '../../base/index.ts';

/** What can go wrong with one request. */
export type Fault =
  /** An answer with this status; `retryAfter` as in the header, in seconds or as a date. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: string;
      readonly retryAfterMs?: number;
      readonly message?: string;
    }
  /** Nothing is ever sent. */
  | { readonly kind: 'silence' }
  /** The connection is closed before an answer. */
  | { readonly kind: 'hang-up' }
  /** Half of the answer, then the connection is closed. */
  | { readonly kind: 'hang-up-midway' }
  /** Half of the answer, then nothing more. */
  | { readonly kind: 'silence-midway' }
  /** Half of the answer, and an end as if it were whole, but without a reason to finish. */
  | { readonly kind: 'cut-short' }
  /** An answer with status 200 that is not JSON. */
  | { readonly kind: 'malformed-json' }
  /** JSON of another form than promised. */
  | { readonly kind: 'wrong-json' }
  /** An answer without text. */
  | { readonly kind: 'no-choices' }
  /** An answer far longer than was allowed. */
  | { readonly kind: 'endless' };

export interface ServedMessage {
  readonly role: string;
  readonly content: string;
}

/** A request as it came. */
export interface ServedRequest {
  /** 0 for the first request of all. */
  readonly call: number;
  /** 0 for the first request with this body. */
  readonly attempt: number;
  readonly body: {
    readonly model: string;
    readonly messages: readonly ServedMessage[];
    readonly stream?: boolean;
    readonly max_tokens?: number;
    readonly seed?: number;
    readonly logprobs?: boolean;
    readonly top_logprobs?: number;
    readonly [key: string]: unknown;
  };
  readonly headers: IncomingMessage['headers'];
}

export interface ServedAnswer {
  readonly text: string;
  /** Default `stop`. */
  readonly finish?: string;
  /** Probabilities of other first tokens, told where log-probabilities are asked for. */
  readonly firstToken?: Readonly<Record<string, number>>;
}

export interface MisbehavingServerOptions {
  /** Default: the last message's content in upper case. */
  readonly answer?: (request: ServedRequest) => string | ServedAnswer;
  /** Null: the request is answered well. Default: always null. */
  readonly fault?: (request: ServedRequest) => Fault | null;
}

export interface MisbehavingServer {
  /** To be given as base URL. */
  readonly url: string;
  /** Every request so far. */
  readonly requests: readonly ServedRequest[];
  /** The requests that were answered well and whole: those that a provider would send a bill for. */
  readonly answered: readonly ServedRequest[];
  close(): Promise<void>;
}

/**
 * @example
 * const server = await misbehavingServer({ fault: ({ attempt }) => (attempt === 0 ? { kind: 'hang-up' } : null) });
 * const model = await openModel(`openai-compatible:any@${server.url}`);
 */
export async function misbehavingServer(options: MisbehavingServerOptions = {}): Promise<MisbehavingServer> {
  const requests: ServedRequest[] = [];
  const answered: ServedRequest[] = [];
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server: Server = createServer((incoming, response) => {
    void readBody(incoming).then((text) => {
      const attempt = attempts.get(text) ?? 0;
      attempts.set(text, attempt + 1);
      const body = JSON.parse(text) as ServedRequest['body'];
      const request: ServedRequest = { call: requests.length, attempt, body, headers: incoming.headers };
      requests.push(request);
      const fault = options.fault?.(request) ?? null;
      const said = options.answer?.(request) ?? (body.messages.at(-1)?.content ?? '').toUpperCase();
      const answer: ServedAnswer = typeof said === 'string' ? { text: said } : said;
      if (fault) misbehave(response, request, answer, fault);
      else {
        answered.push(request);
        if (body.stream) writeStream(response, request, answer);
        else writeJson(response, 200, completion(request, answer));
      }
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    answered,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Faults of all kinds at random, the same for the same seed; no request fails more than `mostAttempts` times.
 * @param options.rate share of requests that fail
 */
export function randomFaults(options: {
  readonly seed: number;
  readonly rate: number;
  readonly mostAttempts?: number;
  readonly kinds?: readonly Fault[];
}): (request: ServedRequest) => Fault | null {
  const { seed, rate, mostAttempts = 3, kinds = passingFaults } = options;
  const random = new Random(seed);
  return ({ attempt }) => {
    const [fails, kind] = [random.uniform() < rate, random.choice(kinds)];
    return fails && attempt < mostAttempts ? kind : null;
  };
}

/** Faults that pass when a request is made again, none of which takes long. */
export const passingFaults: readonly Fault[] = [
  { kind: 'status', status: 429, retryAfterMs: 5, message: 'Rate limit reached' },
  { kind: 'status', status: 500, message: 'The server had an error' },
  { kind: 'status', status: 503, retryAfter: '0', message: 'Overloaded' },
  { kind: 'hang-up' },
  { kind: 'hang-up-midway' },
  { kind: 'cut-short' },
  { kind: 'malformed-json' },
  { kind: 'wrong-json' },
];

async function readBody(incoming: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

function misbehave(
  response: ServerResponse,
  request: ServedRequest,
  answer: ServedAnswer,
  fault: Fault,
): void {
  const { stream } = request.body;
  switch (fault.kind) {
    case 'status': {
      const { status, retryAfter, retryAfterMs, message = 'A fault made on purpose' } = fault;
      if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
      if (retryAfterMs !== undefined) response.setHeader('retry-after-ms', String(retryAfterMs));
      writeJson(response, status, { error: { message, type: 'fault', param: null, code: null } });
      return;
    }
    case 'silence':
      return;
    case 'hang-up':
      response.destroy();
      return;
    case 'hang-up-midway':
    case 'silence-midway':
    case 'cut-short': {
      const whole = stream ? streamText(request, answer) : JSON.stringify(completion(request, answer));
      const half = stream
        ? whole.slice(0, whole.lastIndexOf('data: {"id"', whole.length / 2))
        : whole.slice(0, whole.length / 2);
      response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
      response.write(half, () => {
        if (fault.kind === 'hang-up-midway') response.destroy();
        else if (fault.kind === 'cut-short') response.end();
      });
      return;
    }
    case 'malformed-json':
      response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
      response.end(stream ? 'data: {"choices": [{"delta": \n\ndata: [DONE]\n\n' : '{"choices": [{"message"');
      return;
    case 'wrong-json':
      response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
      response.end(stream ? 'data: {"result": 1}\n\ndata: [DONE]\n\n' : '{"result": 1}');
      return;
    case 'no-choices':
      if (stream) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(`${event({ ...chunkHead(request), choices: [] })}data: [DONE]\n\n`);
      } else writeJson(response, 200, { ...completion(request, answer), choices: [] });
      return;
    case 'endless': {
      const text = `${answer.text} `.repeat(Math.ceil(2_000_000 / (answer.text.length + 1)));
      if (stream) writeStream(response, request, { ...answer, text });
      else writeJson(response, 200, completion(request, { ...answer, text }));
    }
  }
}

function writeJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function writeStream(response: ServerResponse, request: ServedRequest, answer: ServedAnswer): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(streamText(request, answer));
}

function streamText(request: ServedRequest, { text, finish = 'stop' }: ServedAnswer): string {
  const head = chunkHead(request);
  const delta = (content: object, reason: string | null): string =>
    event({ ...head, choices: [{ index: 0, delta: content, finish_reason: reason }] });
  const pieces = text.length > 10_000 ? [text] : tokensOf(text);
  return [
    delta({ role: 'assistant', content: '' }, null),
    ...pieces.map((content) => delta({ content }, null)),
    delta({}, finish),
    event({ ...head, choices: [], usage: usageOf(request, text) }),
    'data: [DONE]\n\n',
  ].join('');
}

function chunkHead({ call, body }: ServedRequest): object {
  return {
    id: `chatcmpl-${call}`,
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: body.model,
  };
}

function event(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function completion(request: ServedRequest, { text, finish = 'stop', firstToken }: ServedAnswer): object {
  const { body, call } = request;
  return {
    id: `chatcmpl-${call}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model: body.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text },
        finish_reason: finish,
        logprobs:
          body.logprobs && firstToken
            ? { content: logProbsOf(text, firstToken, body.top_logprobs ?? 0) }
            : null,
      },
    ],
    usage: usageOf(request, text),
  };
}

function logProbsOf(text: string, firstToken: Readonly<Record<string, number>>, count: number): object[] {
  const likeliest = Object.entries(firstToken)
    .map(([token, probability]) => ({ token, logprob: Math.log(probability) }))
    .sort((a, b) => b.logprob - a.logprob);
  return tokensOf(text).map((token, i) =>
    i === 0
      ? { token, logprob: Math.log(firstToken[token] ?? 1), top_logprobs: likeliest.slice(0, count) }
      : { token, logprob: 0, top_logprobs: [{ token, logprob: 0 }] },
  );
}

/** Words with the space before them, and signs of punctuation. */
function tokensOf(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}]+|\s*[^\s\p{L}\p{N}]|\s+/gu) ?? [];
}

function usageOf({ body }: ServedRequest, text: string): object {
  const promptTokens = tokensOf(body.messages.map(({ content }) => content).join('\n')).length;
  const completionTokens = tokensOf(text).length;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
