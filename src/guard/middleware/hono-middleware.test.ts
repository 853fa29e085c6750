import { createUIMessageStream, createUIMessageStreamResponse } from 'ai';
import { type Context, Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { describe, expect, it } from 'vitest';
import type { ExchangeReport } from '../enforce/exchange.ts';
import type { GuardPolicyInput } from '../policy/policy.ts';
import { type LetterGuardOptions, letterGuard } from '../testing/letter-guard.ts';
import { guard } from './guard.ts';
import type { HonoGuardOptions } from './hono-middleware.ts';

const refusal = 'I can’t help with that.';

async function appWith(
  route: (context: Context) => Response | Promise<Response>,
  options: HonoGuardOptions & {
    readonly policy?: GuardPolicyInput;
    readonly letters?: Partial<LetterGuardOptions>;
  } = {},
) {
  const { policy, letters, ...rest } = options;
  const reports: ExchangeReport[] = [];
  const asked: unknown[] = [];
  const guarded = await guard(letterGuard({ scores: { X: 0.9 }, ...letters }), {
    policy,
    observers: [{ finished: (report) => reports.push(report) }],
    onFailure: () => {},
  });
  const app = new Hono();
  app.use('/chat', guarded.hono(rest));
  app.post('/chat', async (context) => {
    asked.push(await context.req.text());
    return route(context);
  });
  const post = (body: unknown) =>
    app.request('/chat', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  return { post, asked, reports };
}

const hello = { messages: [{ role: 'user', content: 'hello' }] };
const pause = () => new Promise((resolve) => setTimeout(resolve, 2));

describe('a route of its own form', () => {
  it('is refused with status 403 before it is reached, and the answer names the request', async () => {
    const { post, asked, reports } = await appWith((context) => context.json({ reply: 'hi' }));
    const response = await post({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'X' }] }] });
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { error: { message: refusal, code: 'content_filter' } },
    ]);
    expect(asked).toEqual([]);
    await pause();
    expect(response.headers.get('x-request-id')).toBe(reports[0].requestId);
  });

  it('answers as it does where all is harmless, and is refused where its answer is not', async () => {
    const { post } = await appWith((context) => context.json({ reply: 'hi', more: ['there'] }));
    expect(await (await post(hello)).json()).toEqual({ reply: 'hi', more: ['there'] });
    const harmful = await appWith((context) => context.json({ reply: { deep: ['X'] } }));
    expect((await harmful.post(hello)).status).toBe(403);
  });

  it('is read whatever JSON it is, with escapes undone', async () => {
    const { post, asked } = await appWith((context) => context.json({ reply: 'hi' }));
    const escaped = '\\u0058';
    for (const body of [
      `["${escaped}"]`,
      `"${escaped}"`,
      `{"file":"an ${escaped}"}`,
      `[{"a":["${escaped}"]}]`,
    ])
      expect([400, 403]).toContain((await post(body)).status);
    expect(asked).toEqual([]);
  });

  it('is not asked about a picture, in whatever form that comes', async () => {
    const { post, asked } = await appWith((context) => context.json({ reply: 'hi' }));
    const file = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AA' };
    for (const body of [{ messages: [{ role: 'user', parts: [file] }] }, { question: [file] }]) {
      const response = await post(body);
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: { code: 'unreadable_content' } },
      ]);
    }
    expect(asked).toEqual([]);
  });

  it('may be refused in the route’s own words', async () => {
    const refuse: HonoGuardOptions['refuse'] = (context, { text }) => context.json({ reply: text });
    const { post } = await appWith((context) => context.json({ reply: 'X' }), { refuse });
    expect(await (await post(hello)).json()).toEqual({ reply: refusal });
    expect(await (await post('just an X, no JSON')).json()).toEqual({ reply: refusal });
  });

  it('keeps its own errors', async () => {
    const { post, reports } = await appWith((context) => context.text('no such X', 404));
    const response = await post(hello);
    expect([response.status, await response.text()]).toEqual([404, 'no such X']);
    await pause();
    expect(reports[0].outcome).toBe('failed');
  });

  it('keeps its own kind of success, and is screened all the same', async () => {
    const say = (reply: string) => (context: Context) =>
      context.json({ reply }, 201, { location: '/chat/1' });
    const good = await (await appWith(say('hi'))).post(hello);
    expect([good.status, good.headers.get('location'), await good.json()]).toEqual([
      201,
      '/chat/1',
      { reply: 'hi' },
    ]);
    expect((await (await appWith(say('X'))).post(hello)).status).toBe(403);
  });

  it('is not answered where the guard fails, nor with what it cannot read', async () => {
    const broken = await appWith((context) => context.text('a'), {
      letters: { before: () => Promise.reject(new Error('no memory')) },
    });
    expect((await broken.post(hello)).status).toBe(503);
    const picture = await appWith((context) =>
      context.body(new Uint8Array([1]), 200, { 'content-type': 'image/png' }),
    );
    expect((await picture.post(hello)).status).toBe(502);
  });
});

/** A stream that says something and then nothing more, until nobody wants it. */
function unending(first: string): { readonly body: ReadableStream<Uint8Array>; isCancelled: boolean } {
  const stream = {
    isCancelled: false,
    body: new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
      cancel: () => {
        stream.isCancelled = true;
      },
    }),
  };
  return stream;
}

describe('a client that goes away', () => {
  const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'a' } }] });
  it.each([
    ['OpenAI’s events', `data: ${chunk}\n\n`, { 'content-type': 'text/event-stream' }],
    ['plain text', 'a', { 'content-type': 'text/plain' }],
    [
      'parts for a user interface',
      'data: {"type":"start"}\n\n',
      { 'content-type': 'text/event-stream', 'x-vercel-ai-ui-message-stream': 'v1' },
    ],
  ])('ends the work of a route that streams %s, though it says nothing more', async (_, first, headers) => {
    const stream = unending(first);
    const { post, reports } = await appWith((context) => context.body(stream.body, 200, headers));
    const reader = (await post(hello)).body!.getReader();
    expect((await reader.read()).done).toBe(false);
    const next = reader.read(); // waits for what never comes
    await pause();
    await reader.cancel();
    await next;
    await pause();
    expect([stream.isCancelled, reports.map(({ outcome }) => outcome)]).toEqual([true, ['aborted']]);
  });

  it('with the end of the answer has not broken it off', async () => {
    const said = `data: ${chunk}\n\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
    const { post, reports } = await appWith((context) =>
      context.body(`${said}data: [DONE]\n\n`, 200, { 'content-type': 'text/event-stream' }),
    );
    const reader = (await post(hello)).body!.getReader();
    const decoder = new TextDecoder();
    for (let text = ''; !text.includes('[DONE]'); ) text += decoder.decode((await reader.read()).value);
    await reader.cancel();
    await pause();
    expect(reports.map(({ outcome }) => outcome)).toEqual(['allowed']);
  });
});

describe('a stream of text', () => {
  const say =
    (...pieces: string[]) =>
    (context: Context) =>
      streamText(context, async (stream) => {
        for (const piece of pieces) {
          await stream.write(piece);
          await pause();
        }
      });

  it('passes where it is harmless, and stops before what is not', async () => {
    const good = await appWith(say('good ', 'day'));
    expect(await (await good.post(hello)).text()).toBe('good day');
    const bad = await appWith(say('good ', 'X', 'day'));
    expect(await (await bad.post(hello)).text()).toBe(`good \n\n${refusal}`);
    await pause();
    expect(bad.reports[0].outcome).toBe('blocked');
  });

  it('is no longer than it may be', async () => {
    const { post, reports } = await appWith((context) => context.text('good day'), { answerBytes: 4 });
    expect(await (await post(hello)).text()).toBe('');
    await pause();
    expect(reports[0].outcome).toBe('failed');
  });
});

describe('the AI SDK’s stream for user interfaces', () => {
  const say =
    (...deltas: string[]) =>
    () =>
      createUIMessageStreamResponse({
        stream: createUIMessageStream({
          execute: async ({ writer }) => {
            writer.write({ type: 'start' });
            writer.write({ type: 'text-start', id: '1' });
            for (const delta of deltas) {
              writer.write({ type: 'text-delta', id: '1', delta });
              await pause();
            }
            writer.write({ type: 'text-end', id: '1' });
            writer.write({ type: 'finish' });
          },
        }),
      });
  const partsOf = async (response: Response) =>
    (await response.text())
      .trim()
      .split('\n\n')
      .map((event) => event.slice('data: '.length))
      .filter((data) => data !== '[DONE]')
      .map((data) => JSON.parse(data) as { type: string; delta?: string });

  it('passes where it is harmless', async () => {
    const { post } = await appWith(say('good ', 'day'));
    const response = await post(hello);
    expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
    const parts = await partsOf(response);
    expect(parts.map(({ type }) => type)).toEqual([
      'start',
      'text-start',
      'text-delta',
      'text-delta',
      'text-end',
      'finish',
    ]);
  });

  it('ends with the refusal where it is not', async () => {
    const { post } = await appWith(say('good ', 'X'));
    const parts = await partsOf(await post(hello));
    expect(parts.map(({ delta }) => delta ?? '').join('')).toBe(`good ${refusal}`);
    expect(parts.map(({ type }) => type).slice(3)).toEqual([
      'text-end',
      'text-start',
      'text-delta',
      'text-end',
      'finish',
    ]);
  });
});

describe('a route in OpenAI’s form', () => {
  const openAi = { model: 'any', ...hello };

  it('is refused in that form, as a whole and as a stream', async () => {
    const { post, asked } = await appWith((context) => context.json({}));
    const messages = [{ role: 'user', content: 'X' }];
    const whole = await (await post({ ...openAi, messages })).json();
    expect(whole).toMatchObject({
      choices: [{ message: { content: refusal }, finish_reason: 'content_filter' }],
    });
    const stream = await (await post({ ...openAi, messages, stream: true })).text();
    expect(stream).toMatch(/"finish_reason":"content_filter".*data: \[DONE\]\n\n$/s);
    expect(asked).toEqual([]);
  });

  it('is guarded choice by choice', async () => {
    const choice = (index: number, content: string) => ({
      index,
      message: { role: 'assistant', content },
      finish_reason: 'stop',
    });
    const { post } = await appWith((context) =>
      context.json({ id: 'a', choices: [choice(0, 'a'), choice(1, 'X')] }),
    );
    expect(await (await post(openAi)).json()).toMatchObject({
      choices: [
        { finish_reason: 'stop' },
        { finish_reason: 'content_filter', message: { content: refusal } },
      ],
    });
  });
});
