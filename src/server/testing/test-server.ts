/** The web app's server in process, on a store in memory, with people of every role. For tests only. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { LanguageModel } from '../../llm/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { Accounts } from '../accounts/accounts.ts';
import type { OidcOptions } from '../accounts/oidc.ts';
import { type Role, roles } from '../accounts/permissions.ts';
import { type AppParts, createApp } from '../app.ts';
import { ConstitutionsFolder } from '../constitutions-folder.ts';
import { ModelShelf } from '../playground/model-shelf.ts';
import { Playground } from '../playground/playground.ts';
import { QualityReader } from '../quality/quality-reader.ts';
import { RunStarter } from '../run-folders/run-starter.ts';
import { RunsFolder } from '../run-folders/runs-folder.ts';

export const password = 'correct horse battery';
export const baseUrl = 'http://127.0.0.1:8100';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
  readonly headers: Headers;
}

export interface TestServer {
  readonly app: Hono;
  readonly parts: AppParts;
  readonly store: Store;
  readonly accounts: Accounts;
  /** Holds the runs, in `runs`, and recipes, in `recipes`. */
  readonly folder: string;
  readonly failures: unknown[];
  /** Asks as a browser's page of the app does. @param cookie of somebody who is signed in */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** The cookie of somebody with the role; accounts are made at the first call. */
  as(role: Role): Promise<string>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly as?: Role;
  readonly cookie?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param models by name; those of the playground, without any of runs' own */
export async function startTestServer({
  models = {},
  oidc = null,
  store: url = ':memory:',
}: {
  readonly models?: Readonly<Record<string, LanguageModel>>;
  readonly oidc?: OidcOptions | null;
  readonly store?: string;
} = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-server-'));
  const store = await openStore(url);
  const accounts = await Accounts.open(store.database, { baseUrl, oidc });
  const runs = new RunsFolder(join(folder, 'runs'));
  const starter = new RunStarter({
    runs,
    command: [process.execPath, '--import', 'tsx', join(import.meta.dirname, '../../cli/main.ts')],
    recipeFolders: [join(folder, 'recipes')],
  });
  const constitutions = new ConstitutionsFolder(join(folder, 'constitutions'));
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  // Specifications that name no folder, since none is there.
  const specs = new Map(
    Object.keys(models).map((name) => [`openai-compatible:${name}@http://localhost`, name]),
  );
  const shelf = new ModelShelf({
    ...{ runs, given: [...specs.keys()] },
    open: async (spec) => models[specs.get(spec)!],
  });
  const quality = new QualityReader({ store, storeUrl: null, freshMs: 0 });
  const playground = new Playground({ store, shelf, onFailure });
  const parts: AppParts = {
    ...{
      store,
      accounts,
      quality,
      runs,
      starter,
      constitutions,
      playground,
      baseUrl,
      version: 'test',
      onFailure,
    },
  };
  const app = await createApp(parts, { pages: false });
  const cookies = new Map<Role, Promise<string>>();
  const as = (role: Role): Promise<string> => {
    if (!cookies.has(role)) cookies.set(role, makeAccount(accounts, role));
    return cookies.get(role)!;
  };
  return {
    ...{ app, parts, store, accounts, folder, failures, as },
    ask: async (method, path, { as: role, cookie, body, headers } = {}) => {
      const own = role ? await as(role) : cookie;
      const response = await app.request(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(method === 'GET' ? {} : { origin: baseUrl, 'sec-fetch-site': 'same-origin' }),
          ...(own === undefined ? {} : { cookie: own }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    close: async () => {
      await playground.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function makeAccount(accounts: Accounts, role: Role): Promise<string> {
  const { token } = await accounts.invite({ role });
  return cookieOf(await accounts.accept(token, { name: role, email: `${role}@example.org`, password }));
}

/** What a browser sends back of what it was told to keep. */
export function cookieOf(headers: Headers): string {
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

export { roles };
