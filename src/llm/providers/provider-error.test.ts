import { describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { failureDetails, providerError, retryAfter } from './provider-error.ts';
import { redact } from './redact.ts';

const context = {
  model: 'openai:m',
  host: 'api.example',
  keyName: 'OPENAI_API_KEY',
  secrets: ['s3cret-value'],
};

describe('providerError', () => {
  it.each<[object, string, object]>([
    [
      { statusCode: 401, message: 'Incorrect API key provided: sk-abcd***wxyz' },
      'refused the key in OPENAI_API_KEY (401): Incorrect API key provided: [key]',
      { retryable: false, hopeless: true },
    ],
    [
      { statusCode: 404, message: 'no such model' },
      'was not found at api.example (404)',
      { retryable: false, hopeless: true },
    ],
    [
      { statusCode: 429, message: 'slow down', responseHeaders: { 'retry-after': '2' } },
      'is over its rate limit',
      { retryable: true, retryAfterMs: 2000 },
    ],
    [
      { statusCode: 429, message: 'You exceeded your current quota' },
      'has no credit left',
      { retryable: false, hopeless: true },
    ],
    [{ statusCode: 529, message: 'Overloaded' }, 'failed (529): Overloaded', { retryable: true }],
    [
      { statusCode: 400, message: 'the key is s3cret-value' },
      'refused the request (400): the key is [key]',
      { retryable: false },
    ],
    [
      { statusCode: 200, message: 'Invalid JSON response', responseBody: '<html>' },
      'sent an answer that cannot be read (Invalid JSON response): <html>',
      { retryable: true },
    ],
    [
      { message: 'fetch failed', cause: { code: 'ECONNREFUSED' } },
      'cannot be reached at api.example (ECONNREFUSED); is the server running',
      { retryable: true },
    ],
    [
      { message: 'terminated', cause: { code: 'UND_ERR_SOCKET' } },
      'broke off the connection (UND_ERR_SOCKET)',
      { retryable: true },
    ],
    [
      { statusCode: 200, message: 'Failed to process', cause: { code: 'ECONNRESET' } },
      'broke off the connection (ECONNRESET)',
      { retryable: true },
    ],
    [
      { type: 'overloaded_error', message: 'Overloaded' },
      'failed in the middle of an answer: Overloaded',
      { retryable: true },
    ],
    [
      { type: 'invalid_request_error', message: 'too long' },
      'refused the request: too long',
      { retryable: false },
    ],
  ])('%j', (error, message, details) => {
    const failed = providerError(error, context);
    expect(failed).toMatchObject({ code: 'provider', details: { model: 'openai:m', ...details } });
    expect(failed.message).toContain(`openai:m ${message}`);
    expect(failureDetails(failed)).toMatchObject(details);
  });

  it('lets errors of our own through, also from inside another', () => {
    const own = new TenetError('provider', 'too large', { details: { retryable: false } });
    expect(providerError(new Error('stream failed', { cause: own }), context)).toBe(own);
    expect(failureDetails(new Error('x'))).toBeNull();
    expect(failureDetails(new TenetError('budget', 'x'))).toBeNull();
  });
});

it('reads how long to wait as RFC 9110 and OpenAI write it', () => {
  const now = Date.parse('2026-11-26T10:00:00Z');
  expect(retryAfter({ 'retry-after': '1.5' }, now)).toBe(1500);
  expect(retryAfter({ 'retry-after-ms': '250', 'retry-after': '1' }, now)).toBe(250);
  expect(retryAfter({ 'retry-after': 'Thu, 26 Nov 2026 10:00:30 GMT' }, now)).toBe(30_000);
  expect(retryAfter({ 'retry-after': 'Thu, 26 Nov 2026 09:00:00 GMT' }, now)).toBe(0);
  expect(retryAfter({ 'retry-after': 'soon' }, now)).toBeUndefined();
  expect(retryAfter({}, now)).toBeUndefined();
});

it('redacts keys that it knows and texts that look like keys', () => {
  const text =
    'key s3cret-value, sk-proj-abc_DEF12345, Bearer abcdef123, sk-ant-api03-xy***yz; risk-free, key-value';
  expect(redact(text, ['s3cret-value', ''])).toBe('key [key], [key], [key], [key]; risk-free, key-value');
});
