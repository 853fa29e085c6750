/** What every request must satisfy before it is read: who asks, by which name, in which form. */
import { timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { hashOf } from '../../base/index.ts';
import { ApiError } from './api-error.ts';

/** Names by which a machine calls itself. */
const ownNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** @throws ApiError 401 without `Authorization: Bearer <apiKey>` */
export function checkKey(context: Context, apiKey: string): void {
  const given = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1] ?? '';
  // Hashes have one length, so that the comparison tells nothing about the key.
  if (timingSafeEqual(Buffer.from(hashOf(given)), Buffer.from(hashOf(apiKey)))) return;
  const message =
    given === ''
      ? 'No API key was given: send Authorization: Bearer <key>.'
      : 'The API key is not the right one.';
  throw new ApiError(401, message, { code: 'invalid_api_key' });
}

/**
 * A web page can make a browser call this machine under a name of its own (DNS rebinding); such calls are refused.
 * @throws ApiError 403 for any name but this machine's own
 */
export function checkHost(context: Context): void {
  const host = (context.req.header('host') ?? '').replace(/:\d+$/, '');
  if (ownNames.has(host)) return;
  throw new ApiError(403, `Requests for the host ${JSON.stringify(host)} need an API key on this server.`, {
    code: 'host_not_allowed',
  });
}

/** @throws ApiError 415 for another type than JSON, 400 for what is none */
export async function readJson(context: Context): Promise<unknown> {
  // Web pages may send other types to any address without being asked; this one they may not.
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
    throw new ApiError(415, 'Send JSON, with the header content-type: application/json.', {
      code: 'unsupported_media_type',
    });
  }
  try {
    return await context.req.json();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'The body of the request is not valid JSON.', { code: 'invalid_json' });
  }
}
