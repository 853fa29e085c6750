/** What every request must satisfy, and what every answer says to browsers. */
import type { Context, MiddlewareHandler } from 'hono';
import { HttpError } from './http-error.ts';

/** Names by which a machine calls itself. */
const ownNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The app loads its own files only, runs no script written into a page, and is shown in no frame. */
const appPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** @param https whether people reach the server over HTTPS, through what stands before it */
export function securityHeaders({ https }: { readonly https: boolean }): MiddlewareHandler {
  return async function securityHeaders(context, next) {
    await next();
    const { headers } = context.res;
    const set = (name: string, value: string): void => {
      if (!headers.has(name)) headers.set(name, value);
    };
    set('content-security-policy', appPolicy);
    set('x-content-type-options', 'nosniff');
    set('referrer-policy', 'no-referrer');
    set('cross-origin-opener-policy', 'same-origin');
    set('cross-origin-resource-policy', 'same-origin');
    set('x-frame-options', 'DENY');
    set('permissions-policy', 'camera=(), microphone=(), geolocation=()');
    if (https) set('strict-transport-security', 'max-age=31536000');
    if (context.req.path.startsWith('/api/')) set('cache-control', 'no-store');
  };
}

/**
 * Refuses requests for another host: a web page can make a browser call this machine under a name of its own (DNS
 * rebinding).
 * @param hosts names and ports by which the server is known besides this machine's own names
 */
export function refuseForeignHosts(hosts: readonly string[]): MiddlewareHandler {
  return async function refuseForeignHosts(context, next) {
    const host = (context.req.header('host') ?? new URL(context.req.url).host).toLowerCase();
    if (!ownNames.has(host.replace(/:\d+$/, '')) && !hosts.includes(host)) {
      throw new HttpError(
        'wrong-origin',
        `This server is not ${JSON.stringify(host)}. Give the address that people use with --url.`,
      );
    }
    await next();
  };
}

/**
 * Refuses changes that another site's page asks a signed-in browser for. Browsers say which page asks; a request that
 * brings a cookie and does not say is refused too.
 */
export function checkOrigin(context: Context, hosts: readonly string[]): void {
  const site = context.req.header('sec-fetch-site');
  const origin = context.req.header('origin');
  const own = (context.req.header('host') ?? new URL(context.req.url).host).toLowerCase();
  const from = origin === undefined || origin === 'null' ? undefined : hostOf(origin);
  const same = from !== undefined && (from === own || hosts.includes(from));
  if (same && (site === undefined || site === 'same-origin')) return;
  if (origin === undefined && site === 'same-origin') return;
  throw new HttpError(
    'wrong-origin',
    'Changes are taken from this server’s own pages, or with an API token in the Authorization header.',
  );
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
