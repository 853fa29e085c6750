import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cookieOf, password, startTestServer, type TestServer } from '../testing/test-server.ts';
import { oidcOptions } from './oidc.ts';

/** Who signs in at the provider. */
interface Somebody {
  readonly sub: string;
  readonly email: string;
  readonly name: string;
  readonly email_verified?: boolean;
}

/**
 * A provider on this machine: discovery, keys, codes against PKCE verifiers and the client's secret, signed ID tokens.
 * @see https://openid.net/specs/openid-connect-core-1_0.html
 */
class FakeProvider {
  somebody: Somebody = { sub: '1', email: 'kim@example.org', name: 'Kim', email_verified: true };
  /** What is changed of the ID token. */
  claims: object = {};
  readonly clientSecret = `secret-${randomUUID()}`;
  issuer = '';
  readonly told: string[] = [];
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly codes = new Map<string, URLSearchParams>();
  private server!: Server;

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      void this.answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
  }

  /** What a browser does there: signs in, and comes back with a code. @returns the query of the way back */
  signIn(url: string): URLSearchParams {
    const asked = new URL(url).searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    const code = randomUUID();
    this.codes.set(code, asked);
    this.told.push(code);
    return new URLSearchParams({ code, state: asked.get('state')!, iss: this.issuer });
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const { issuer } = this;
    if (request.url === '/.well-known/openid-configuration') {
      return ok({
        ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
        ...{ jwks_uri: `${issuer}/jwks`, id_token_signing_alg_values_supported: ['RS256'] },
      });
    }
    if (request.url === '/jwks') {
      const jwk = this.keys.publicKey.export({ format: 'jwk' });
      return ok({ keys: [{ ...jwk, kid: 'one', alg: 'RS256', use: 'sig' }] });
    }
    if (request.url !== '/token') return { status: 404, body: {} };
    let text = '';
    for await (const part of request) text += part;
    const given = new URLSearchParams(text);
    const asked = this.codes.get(given.get('code') ?? '');
    this.codes.delete(given.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(given.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      asked?.get('code_challenge') === challenge &&
      asked.get('redirect_uri') === given.get('redirect_uri') &&
      given.get('client_secret') === this.clientSecret;
    if (!isRight) return { status: 400, body: { error: 'invalid_grant' } };
    const access_token = `access-${randomUUID()}`;
    const id_token = this.idToken(asked.get('nonce'));
    this.told.push(access_token, id_token);
    return ok({ access_token, id_token, token_type: 'Bearer', expires_in: 3600, scope: 'openid email' });
  }

  private idToken(nonce: string | null): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: 'tenet', iat: now, exp: now + 300, nonce };
    const parts = [
      { alg: 'RS256', kid: 'one' },
      { ...claims, ...this.somebody, ...this.claims },
    ];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${createSign('RSA-SHA256').update(text).sign(this.keys.privateKey, 'base64url')}`;
  }
}

function ok(body: object): { status: number; body: object } {
  return { status: 200, body };
}

const provider = new FakeProvider();
let printed = '';
beforeAll(() => provider.start());
afterAll(() => provider.stop());
beforeEach(() => {
  provider.claims = {};
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  }
  for (const name of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, name).mockImplementation((...words) => {
      printed += words.map(String).join(' ');
    });
  }
});

/** Signs in there and comes back, as a browser does. */
async function through(server: TestServer, invitation?: string) {
  const begun = await server.ask('POST', '/api/session/oidc', {
    body: { ...(invitation && { invitation }) },
  });
  if (begun.status !== 200) return { begun, ended: begun, location: null, cookie: '' };
  const query = provider.signIn(begun.body.url);
  const ended = await server.ask('GET', `/api/session/oidc/callback?${query}`, {
    cookie: cookieOf(begun.headers),
  });
  return { begun, ended, location: ended.headers.get('location'), cookie: cookieOf(ended.headers) };
}

const start = (role: string) =>
  startTestServer({
    oidc: oidcOptions({
      ...{ issuer: provider.issuer, clientId: 'tenet' },
      clientSecret: provider.clientSecret,
      role,
    }),
  });

describe('where only those who are invited have accounts', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await start('none');
  });
  afterAll(async () => {
    await server.close();
    expect(server.failures).toEqual([]);
  });
  const people = async () => (await server.accounts.people()).length;

  it('the page is told of the provider', async () => {
    expect((await server.ask('GET', '/api/session')).body).toEqual({
      me: null,
      oidc: new URL(provider.issuer).host,
    });
  });

  it('somebody unknown is not let in, and leaves nothing behind', async () => {
    const { location, cookie } = await through(server);
    expect(location).toBe('/?sign-in=no-account');
    expect(cookie).not.toContain('__Host-tenet=');
    expect(await people()).toBe(0);
  });

  it('an invitation makes one account, of its role; later the provider alone is enough', async () => {
    const { token } = await server.accounts.invite({
      role: 'adjudicator',
      group: 'experts',
      audiences: ['de'],
    });
    const first = await through(server, token);
    expect(first.location).toBe('/');
    const { body: me } = await server.ask('GET', '/api/me', { cookie: first.cookie });
    expect(me).toMatchObject({ email: 'kim@example.org', name: 'Kim', role: 'adjudicator' });
    expect(me).toMatchObject({ group: 'experts', audiences: ['de'] });
    // The cookie is the same as of those with passwords.
    const cookies = first.ended.headers.getSetCookie().filter((text) => text.startsWith('__Host-tenet='));
    expect(cookies).toHaveLength(1);
    for (const attribute of ['HttpOnly', 'Secure', 'Path=/', 'SameSite=Lax'])
      expect(cookies[0]).toContain(attribute);

    expect((await through(server, token)).begun.status).toBe(404); // it is used up
    const again = await through(server);
    expect(again.location).toBe('/');
    expect((await server.ask('GET', '/api/me', { cookie: again.cookie })).body.id).toBe(me.id);
    expect(await people()).toBe(1);

    await server.accounts
      .invite({ role: 'admin' })
      .then(({ token: link }) =>
        server.accounts.accept(link, { name: 'Ad', email: 'ad@example.org', password }),
      );
    await server.accounts.change(me.id, { disabled: true });
    expect((await through(server)).location).toBe('/?sign-in=locked');
    await server.accounts.change(me.id, { disabled: false });
  });

  it('an account with a password is not joined, and an invitation is kept for another try', async () => {
    const before = provider.somebody;
    provider.somebody = { sub: '9', email: 'ad@example.org', name: 'Not Ad', email_verified: true };
    const { token } = await server.accounts.invite({ role: 'viewer' });
    expect((await through(server, token)).location).toBe('/?sign-in=other-login');
    expect((await server.accounts.invitations.open(token)).role).toBe('viewer');
    provider.somebody = before;
  });

  it.each<[string, object]>([
    ['for another client', { aud: 'somebody else' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another browser', { nonce: 'another' }],
    ['that is too old', { exp: 1000 }],
  ])('an ID token %s is worth nothing', async (_, claims) => {
    provider.claims = claims;
    const { location, cookie } = await through(server);
    expect(location).toBe('/?sign-in=failed');
    expect(cookie).not.toContain('__Host-tenet=');
  });

  it('the way back belongs to the browser that began, and is gone once', async () => {
    const begun = await server.ask('POST', '/api/session/oidc', { body: {} });
    const query = provider.signIn(begun.body.url);
    const back = (cookie?: string) => server.ask('GET', `/api/session/oidc/callback?${query}`, { cookie });
    expect((await back()).headers.get('location')).toBe('/?sign-in=failed');
    const other = await server.ask('POST', '/api/session/oidc', { body: {} });
    expect((await back(cookieOf(other.headers))).headers.get('location')).toBe('/?sign-in=failed');
    expect((await back(cookieOf(begun.headers))).headers.get('location')).toBe('/');
    expect((await back(cookieOf(begun.headers))).headers.get('location')).toBe('/?sign-in=failed');
    const denied = `/api/session/oidc/callback?error=access_denied&state=${query.get('state')}`;
    expect((await server.ask('GET', denied)).headers.get('location')).toBe('/?sign-in=failed');
  });

  it('another site’s page cannot begin it', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await server.ask('POST', '/api/session/oidc', { body: {}, headers })).status).toBe(403);
  });
});

it('where everybody from there has an account, they get the role that was set', async () => {
  const server = await start('annotator');
  const { location, cookie } = await through(server);
  expect(location).toBe('/');
  expect((await server.ask('GET', '/api/me', { cookie })).body).toMatchObject({ role: 'annotator' });
  // Neither the provider's tokens nor the client's secret are kept or printed.
  const rows = await server.store.database.read((db) => db.selectFrom('person_login').selectAll().execute());
  expect(rows).toMatchObject([{ provider_id: 'oidc', account_id: '1', access_token: null, id_token: null }]);
  await server.close();
});

it('prints no secrets, whatever fails', () => {
  expect(provider.told.length).toBeGreaterThan(10);
  for (const secret of [provider.clientSecret, ...provider.told]) expect(printed).not.toContain(secret);
});

describe('settings', () => {
  it.each<[string, Parameters<typeof oidcOptions>[0], RegExp]>([
    [
      'an issuer alone',
      { issuer: 'https://login.example.org', clientSecret: 'hush' },
      /clientId is missing|clientId/,
    ],
    ['a role that none gets from outside', { issuer: 'https://a.b', clientId: 'x', role: 'admin' }, /role/],
    [
      'a provider in the clear',
      { issuer: 'http://login.example.org', clientId: 'x' },
      /must be reached over https/,
    ],
    ['no address', { issuer: 'login', clientId: 'x' }, /issuer is no address/],
  ])('%s is refused, without telling the secret', (_, given, message) => {
    expect(() => oidcOptions(given)).toThrow(message);
    expect(() => oidcOptions(given)).not.toThrow(/hush/);
  });

  it('are none without an issuer', () => {
    expect(oidcOptions({})).toBeNull();
    expect(oidcOptions({ issuer: 'https://a.example/realm/', clientId: 'x' })).toEqual({
      ...{ issuer: 'https://a.example/realm', clientId: 'x', name: 'a.example', role: null },
    });
  });
});
