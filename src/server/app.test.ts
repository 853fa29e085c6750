import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permissionsOf } from './accounts/permissions.ts';
import { apiRoutes } from './app.ts';
import {
  baseUrl,
  cookieOf,
  password,
  roles,
  startTestServer,
  type TestServer,
} from './testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.close();
  expect(server.failures).toEqual([]);
});

/** An address of the route with something in each place. */
const addressOf = (path: string): string => path.replace(/\{\w+\}/g, 'something');

describe('who may do what', () => {
  it('holds for every route and role: no more and no less than the permission says', async () => {
    for (const { method, path, access } of apiRoutes(server.parts)) {
      if (access === 'anyone' || path.endsWith('/stream')) continue;
      const nobody = await server.ask(method.toUpperCase(), addressOf(path), {
        body: method === 'get' ? undefined : {},
      });
      expect([method, path, nobody.status]).toEqual([method, path, 401]);
      for (const role of roles) {
        const { status, body } = await server.ask(method.toUpperCase(), addressOf(path), {
          as: role,
          body: method === 'get' ? undefined : {},
        });
        const allowed = access === 'account' || permissionsOf(role).includes(access);
        // What is allowed may still fail, because the body is empty or there is no such thing.
        const refused = status === 401 || status === 403;
        expect([method, path, role, refused, status < 500]).toEqual([method, path, role, !allowed, true]);
        if (refused) expect(body.error.code).toBe('not-allowed');
      }
    }
  }, 120_000);

  it('a page that was opened for somebody else gets nothing in the name of who is signed in now', async () => {
    const me = (await server.ask('GET', '/api/me', { as: 'annotator' })).body;
    const claim = (person: string) =>
      server.ask('POST', '/api/label/projects/p/claim', {
        ...{ as: 'annotator' as const, body: {}, headers: { 'tenet-person': person } },
      });
    expect((await claim(me.id)).status).toBe(200);
    const other = await claim('somebody-else');
    expect([other.status, other.body.error.code]).toEqual([401, 'not-signed-in']);
  });

  it('annotators see no judgements of others, and viewers change nothing', () => {
    expect(permissionsOf('annotator')).not.toContain('quality:read');
    expect(permissionsOf('viewer').every((permission) => permission.endsWith(':read'))).toBe(true);
  });
});

describe('invitations', () => {
  it('make one account each, of the role that was offered', async () => {
    const { body: made } = await server.ask('POST', '/api/invitations', {
      as: 'admin',
      body: { role: 'annotator', group: 'experts', audiences: ['de'], note: 'for Bea' },
    });
    const token = new URL(made.link).hash.slice(1);
    expect(made.link).toMatch(`${baseUrl}/invitation#`);
    const open = await server.ask('POST', '/api/invitations/open', { body: { token } });
    expect(open.body).toEqual({ role: 'annotator', note: 'for Bea' });

    const person = { name: 'Bea', email: 'bea@example.org', password };
    const both = await Promise.all([
      server.ask('POST', '/api/invitations/accept', { body: { token, ...person } }),
      server.ask('POST', '/api/invitations/accept', { body: { token, ...person, email: 'bob@example.org' } }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
    const cookie = cookieOf(both.find(({ status }) => status === 200)!.headers);
    const me = await server.ask('GET', '/api/me', { cookie });
    expect(me.body).toMatchObject({ role: 'annotator', group: 'experts', audiences: ['de'] });
    expect((await server.ask('POST', '/api/invitations/open', { body: { token } })).status).toBe(404);
    // Who has the database has no links.
    expect(JSON.stringify((await server.ask('GET', '/api/invitations', { as: 'admin' })).body)).not.toContain(
      token,
    );
  });

  it('can be withdrawn, and refuse short passwords without being used up', async () => {
    const invite = async () =>
      (await server.ask('POST', '/api/invitations', { as: 'admin', body: { role: 'viewer' } })).body;
    const made = await invite();
    const token = new URL(made.link).hash.slice(1);
    const short = { token, name: 'Eve', email: 'eve@example.org', password: 'short' };
    const refused = await server.ask('POST', '/api/invitations/accept', { body: short });
    expect([refused.status, refused.body.error.message]).toEqual([
      400,
      expect.stringContaining('must have at least 10 characters'),
    ]);
    const taken = { ...short, email: 'ADMIN@example.org', password };
    expect((await server.ask('POST', '/api/invitations/accept', { body: taken })).status).toBe(409);
    expect((await server.ask('POST', '/api/invitations/open', { body: { token } })).status).toBe(200);
    expect(
      (await server.ask('DELETE', `/api/invitations/${made.invitation.id}`, { as: 'admin' })).status,
    ).toBe(200);
    expect((await server.ask('POST', '/api/invitations/open', { body: { token } })).status).toBe(404);
  });
});

describe('signing in', () => {
  const signIn = (email: string, secret: string) =>
    server.ask('POST', '/api/session', { body: { email, password: secret } });

  it('sets a cookie that scripts cannot read and that only this host gets', async () => {
    await server.as('viewer');
    const { status, headers } = await signIn('Viewer@example.org', password);
    expect(status).toBe(200);
    const [cookie] = headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-tenet=/);
    for (const attribute of ['HttpOnly', 'Secure', 'Path=/', 'SameSite=Lax'])
      expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
    const session = cookieOf(headers);
    expect((await server.ask('GET', '/api/me', { cookie: session })).body.role).toBe('viewer');
    await server.ask('DELETE', '/api/session', { cookie: session });
    expect((await server.ask('GET', '/api/me', { cookie: session })).status).toBe(401);
  });

  it('says the same of unknown people and wrong passwords', async () => {
    await server.as('viewer');
    const [unknown, wrong] = [
      await signIn('nobody@example.org', password),
      await signIn('viewer@example.org', 'not it, no'),
    ];
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
    expect(unknown.status).toBe(401);
  });

  it('slows guessing down, for the right password too', async () => {
    await server.as('adjudicator');
    const tries = [];
    for (let i = 0; i < 11; i++)
      tries.push((await signIn('adjudicator@example.org', `guess number ${i}`)).status);
    expect(tries).toEqual([...Array(10).fill(401), 429]);
    const right = await signIn('adjudicator@example.org', password);
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });

  it('slows guesses down that come all at once', async () => {
    const guesses = Array.from({ length: 15 }, (_, i) => signIn('noone@example.org', `guess number ${i}`));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  });

  it('counts no failure where there was none, however many sign in at once', async () => {
    await server.as('viewer');
    for (let round = 0; round < 2; round++) {
      const right = Array.from({ length: 8 }, () => signIn('viewer@example.org', password));
      expect(new Set((await Promise.all(right)).map(({ status }) => status))).toEqual(new Set([200]));
    }
  });

  it('keeps passwords as argon2id', async () => {
    await server.as('viewer');
    const rows = await server.store.database.read((db) =>
      db.selectFrom('person_login').select('password').execute(),
    );
    expect(rows.every((row) => row.password?.startsWith('$argon2id$v=19$m=19456,t=2,p=1$'))).toBe(true);
  });
});

describe('API tokens', () => {
  const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

  it('do what they were made for, and nothing more', async () => {
    const { body } = await server.ask('POST', '/api/tokens', {
      as: 'admin',
      body: { name: 'export', permissions: ['runs:read'], expiresInDays: 1 },
    });
    expect((await server.ask('GET', '/api/runs', withToken(body.token))).status).toBe(200);
    expect((await server.ask('GET', '/api/people', withToken(body.token))).status).toBe(403);
    const more = { ...withToken(body.token), body: { name: 'more', permissions: ['runs:read'] } };
    expect((await server.ask('POST', '/api/tokens', more)).status).toBe(403);
    const stored = await server.store.database.read((db) => db.selectFrom('api_token').selectAll().execute());
    expect(JSON.stringify(stored)).not.toContain(body.token.slice(6));
    await server.ask('DELETE', `/api/tokens/${body.created.id}`, { as: 'admin' });
    expect((await server.ask('GET', '/api/runs', withToken(body.token))).status).toBe(401);
  });

  it('cannot give away what their owner may not do, and lose what the owner loses', async () => {
    const excess = { name: 'x', permissions: ['runs:write'] };
    expect((await server.ask('POST', '/api/tokens', { as: 'viewer', body: excess })).status).toBe(403);

    const { token: link } = await server.accounts.invite({ role: 'adjudicator' });
    const cookie = cookieOf(
      await server.accounts.accept(link, { name: 'Cy', email: 'cy@example.org', password }),
    );
    const { body } = await server.ask('POST', '/api/tokens', {
      cookie,
      body: { name: 'mine', permissions: ['runs:read'] },
    });
    const { body: me } = await server.ask('GET', '/api/me', { cookie });
    const change = (body: object) => server.ask('PATCH', `/api/people/${me.id}`, { as: 'admin', body });
    await change({ role: 'annotator' });
    expect((await server.ask('GET', '/api/runs', withToken(body.token))).status).toBe(403);
    await change({ role: 'adjudicator', disabled: true });
    expect((await server.ask('GET', '/api/runs', withToken(body.token))).status).toBe(401);
    expect((await server.ask('GET', '/api/me', { cookie })).status).toBe(401);
  });
});

it('keeps the last admin', async () => {
  const { body: me } = await server.ask('GET', '/api/me', { as: 'admin' });
  for (const body of [{ role: 'viewer' }, { disabled: true }]) {
    expect((await server.ask('PATCH', `/api/people/${me.id}`, { as: 'admin', body })).status).toBe(409);
  }
  expect((await server.ask('GET', '/api/me', { as: 'admin' })).body.role).toBe('admin');
});

describe('requests from elsewhere', () => {
  it.each<[string, Record<string, string>]>([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:9999', 'sec-fetch-site': 'same-site' }],
    ['a page without an origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['who does not say', { origin: '', 'sec-fetch-site': '' }],
  ])('change nothing with a cookie: %s', async (_, headers) => {
    const { status, body } = await server.ask('POST', '/api/tokens', {
      as: 'admin',
      headers,
      body: { name: 'x', permissions: ['runs:read'] },
    });
    expect([status, body.error.code]).toEqual([403, 'wrong-origin']);
  });

  it('get nowhere with a header that is no token', async () => {
    const headers = {
      authorization: 'Basic eDp5',
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    };
    const { status } = await server.ask('POST', '/api/tokens', {
      ...{ as: 'admin', headers, body: { name: 'x', permissions: ['runs:read'] } },
    });
    expect(status).toBe(401);
  });

  it('are refused under another host name', async () => {
    const { status, body } = await server.ask('GET', '/api/health', { headers: { host: 'evil.example' } });
    expect([status, body.error.code]).toEqual([403, 'wrong-origin']);
  });
});

it('says in every answer what a browser may load, and that nothing is kept', async () => {
  const { headers } = await server.ask('GET', '/api/me', { as: 'viewer' });
  expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(headers.get('content-security-policy')).not.toContain('unsafe');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
});

it('refuses bodies that are too large, not JSON, or not as they should be, by field', async () => {
  const large = await server.ask('POST', '/api/session', {
    body: { email: 'a', password: 'x'.repeat(2 ** 21) },
  });
  expect([large.status, large.body.error.code]).toEqual([413, 'too-large']);
  const form = await server.ask('POST', '/api/session', { headers: { 'content-type': 'text/plain' } });
  expect(form.body.error.message).toContain('content-type: application/json');
  const wrong = await server.ask('POST', '/api/tokens', {
    as: 'admin',
    body: { name: '', permissions: ['fly'] },
  });
  expect(wrong.body.error.issues.map(({ path }: { path: string }) => path)).toEqual([
    'name',
    'permissions.0',
  ]);
});

it('describes every route in an OpenAPI document', async () => {
  const { body } = await server.ask('GET', '/api/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual(
    apiRoutes(server.parts)
      .map(({ method, path }) => `${method} ${path}`)
      .sort(),
  );
  const operations = Object.values(
    body.paths as Record<string, Record<string, { operationId: string }>>,
  ).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(operations).size).toBe(operations.length);
  const samples = body.paths['/api/runs/{run}/samples'].get;
  expect(
    samples.parameters.map(({ name, in: place, required }: Record<string, unknown>) => [
      name,
      place,
      required,
    ]),
  ).toContainEqual(['run', 'path', true]);
});
