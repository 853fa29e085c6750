import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../store/index.ts';
import { Accounts } from './accounts/accounts.ts';
import { type ServeAppOptions, serveApp } from './serve-app.ts';
import { baseUrl, password } from './testing/test-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-serve-app-'));
});
afterAll(() => rm(folder, { recursive: true }));

const serve = (options: Partial<ServeAppOptions> = {}) =>
  serveApp({
    ...{ store: join(folder, 'tenet.db'), runs: join(folder, 'runs'), recipeFolders: [], command: [] },
    ...{ port: 0, pages: false, ...options },
  });

describe('an address that others can reach', () => {
  it.each(['0.0.0.0', '::'])('is refused without https: %s', async (host) => {
    await expect(serve({ host })).rejects.toThrow(/must not cross a network in the clear/);
    await expect(serve({ host, url: 'http://labels.example.org' })).rejects.toThrow(/in the clear/);
  });

  it('is refused before there is an admin, and taken afterwards', async () => {
    const open = { host: '0.0.0.0', url: 'https://labels.example.org' };
    await expect(serve(open)).rejects.toThrow(/nobody has an account yet/);
    const store = await openStore(join(folder, 'tenet.db'));
    const accounts = await Accounts.open(store.database, { baseUrl });
    const { token } = await accounts.invite({ role: 'admin' });
    await accounts.accept(token, { name: 'Ad', email: 'ad@example.org', password });
    await store.close();
    const app = await serve(open);
    expect([app.url, app.adminLink]).toEqual(['https://labels.example.org', null]);
    await app.close();
  });
});

it('offers a link for the first admin on this machine, and asks who somebody is', async () => {
  const app = await serve({ store: join(folder, 'new.db') });
  expect(app.adminLink).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/invitation#\S{32}$/);
  const answer = await fetch(`${app.url}/api/people`);
  expect([answer.status, answer.headers.get('strict-transport-security')]).toEqual([401, null]);
  await app.close();
});

it.each(['labels.example.org', 'https://example.org/labels', 'ftp://example.org', 'https://example.org?x=1'])(
  'takes no address that is more or less than protocol and host: %s',
  async (url) => {
    await expect(serve({ url })).rejects.toThrow(/--url/);
  },
);

it('says that a port is taken', async () => {
  const app = await serve({ store: join(folder, 'port.db') });
  const port = Number(new URL(app.url).port);
  await expect(serve({ store: join(folder, 'port.db'), port })).rejects.toThrow(/another program uses it/);
  await app.close();
});

it('slows down whoever tries many accounts from one address', async () => {
  const app = await serve({ store: join(folder, 'guess.db') });
  const tries = (count: number): Promise<number[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const answer = await fetch(`${app.url}/api/session`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', origin: app.url, 'sec-fetch-site': 'same-origin' },
          body: JSON.stringify({ email: `${count}-${i}@example.org`, password: 'a guess' }),
        });
        return answer.status;
      }),
    );
  expect(new Set(await tries(50))).toEqual(new Set([401]));
  expect(await tries(2)).toEqual([429, 429]);
  await app.close();
});
