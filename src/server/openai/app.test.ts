import { describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import type { LocalEngine } from '../../llm/index.ts';
import { type AppOptions, openAiApp } from './app.ts';

const failures: unknown[] = [];
/** An engine that cannot be asked: these tests are about what never reaches it, or fails there. */
const engine = (generate: () => Promise<never>): LocalEngine =>
  ({
    load: 0,
    facts: { hash: 'sha256:0', contextLength: 10, template: 'own' },
    generate,
  }) as unknown as LocalEngine;
const app = (
  options: AppOptions = {},
  generate: () => Promise<never> = () => Promise.reject(new Error('asked')),
) =>
  openAiApp(
    {
      id: 'org/tiny',
      engine: engine(generate),
      created: 1_700_000_000,
      mostRequests: 1,
      onFailure: (error) => failures.push(error),
    },
    options,
  );

const own = { host: 'localhost:8000' };
const json = { ...own, 'content-type': 'application/json' };
const chat = { model: 'org/tiny', messages: [{ role: 'user', content: 'hello' }] };
const post = (
  body: string,
  headers: Record<string, string> = json,
  options?: AppOptions,
  generate?: () => Promise<never>,
) => app(options, generate).request('/v1/chat/completions', { method: 'POST', body, headers });
const errorOf = async (response: Response | Promise<Response>) => {
  const { status } = await response;
  return {
    status,
    ...((await (await response).json()) as { error: { message: string; code: string } }).error,
  };
};

describe('who may ask', () => {
  it.each([
    ['localhost:8000', 200],
    ['127.0.0.1', 200],
    ['[::1]:80', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
  ])('without a key: programs that call this machine %s', async (host, status) => {
    expect((await app().request('/v1/models', { headers: { host } })).status).toBe(status);
  });

  it.each([
    ['Bearer open sesame', 200],
    ['Bearer open barley', 401],
    ['open sesame', 401],
    ['', 401],
  ])('with a key: %j', async (authorization, status) => {
    const response = app({ apiKey: 'open sesame' }).request('/v1/models', {
      headers: { host: 'any.example', authorization },
    });
    expect((await response).status).toBe(status);
    if (status === 401) expect(await errorOf(response)).toMatchObject({ code: 'invalid_api_key' });
  });

  it('anyone whether it is well', async () => {
    const response = await app({ apiKey: 'x' }).request('/healthz');
    expect(await response.json()).toEqual({ status: 'ok', model: 'org/tiny', requests: 0 });
  });
});

describe('what is no request', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['broken JSON', '{', json, 400, 'invalid_json'],
    [
      'another type, which a web page could send unasked',
      JSON.stringify(chat),
      own,
      415,
      'unsupported_media_type',
    ],
    ['a list', '[]', json, 400, 'invalid_value'],
    ['too much', JSON.stringify({ ...chat, user: 'x'.repeat(2000) }), json, 413, 'request_too_large'],
  ])('%s', async (_, body, headers, status, code) => {
    expect(await errorOf(post(body, headers, { bodyLimitBytes: 1000 }))).toMatchObject({ status, code });
  });

  it('another address', async () => {
    const response = app().request('/v1/embeddings', { method: 'POST', headers: json, body: '{}' });
    expect(await errorOf(response)).toMatchObject({
      status: 404,
      code: 'unknown_url',
      message: 'There is no POST /v1/embeddings here.',
    });
  });
});

it('finds a model whose name has a slash', async () => {
  expect((await app().request('/v1/models/org/tiny', { headers: own })).status).toBe(200);
});

describe('what fails in the engine', () => {
  const failing = (error: Error) =>
    errorOf(post(JSON.stringify(chat), json, {}, () => Promise.reject(error)));

  it('is told without its inside when it is the server’s fault, and noted', async () => {
    const fault = new Error('/home/me/secret.ts went wrong');
    const told = await failing(fault);
    expect(told).toMatchObject({ status: 500, message: expect.not.stringContaining('secret') });
    expect(failures).toEqual([fault]);
  });

  it('is told as it is when it is the request’s', async () => {
    expect(await failing(new TenetError('data', 'The chat template refuses it.'))).toMatchObject({
      status: 400,
      message: 'The chat template refuses it.',
    });
  });

  it('comes as an event where the answer has begun', async () => {
    const response = await post(JSON.stringify({ ...chat, stream: true }), json, {}, () =>
      Promise.reject(new TenetError('data', 'no')),
    );
    expect(response.status).toBe(200);
    const events = (await response.text()).trim().split('\n\n');
    expect(JSON.parse(events.at(-1)!.slice(6))).toMatchObject({
      error: { message: 'no', type: 'invalid_request_error' },
    });
  });
});
