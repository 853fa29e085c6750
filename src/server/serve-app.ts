/** Starts and stops the web app. */
import type { Server } from 'node:http';
import type { Hono } from 'hono';
import { TenetError } from '../base/index.ts';
import { describeVersions } from '../run/index.ts';
import { openStore } from '../store/index.ts';
import { Accounts } from './accounts/accounts.ts';
import type { OidcOptions } from './accounts/oidc.ts';
import { createApp } from './app.ts';
import { ConstitutionsFolder } from './constitutions-folder.ts';
import { closeServer, isOwnAddress, listen, originOf } from './http/listener.ts';
import { ModelShelf } from './playground/model-shelf.ts';
import { Playground } from './playground/playground.ts';
import { QualityReader } from './quality/quality-reader.ts';
import { invitationLink } from './routes/account-routes.ts';
import { RunStarter } from './run-folders/run-starter.ts';
import { RunsFolder } from './run-folders/runs-folder.ts';

export interface ServeAppOptions {
  /** Address of the store, as `openStore` takes it. */
  readonly store: string;
  /** The folder that runs lie in. */
  readonly runs: string;
  /** The folder that constitutions lie in. Default `constitutions`. */
  readonly constitutions?: string;
  /**
   * Models to talk with besides those of runs: run and model folders, or names as `openModel` takes them. Default none.
   */
  readonly models?: readonly string[];
  /** Folders with recipes that may be started from the browser. */
  readonly recipeFolders: readonly string[];
  /** The program and first arguments of Tenet's command line, for runs that are started from the browser. */
  readonly command: readonly string[];
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. Default 8100. */
  readonly port?: number;
  /** Where people reach the server, when that is not host and port: `https://labels.example.org`. */
  readonly url?: string;
  /** Where people may sign in besides passwords. Default: nowhere. */
  readonly oidc?: OidcOptions | null;
  /** The bundled app, or false for the API alone. Default: where the build puts it. */
  readonly pages?: string | false;
  /** Told of failures that are the server's own. */
  readonly onFailure?: (error: unknown) => void;
}

export interface RunningApp {
  /** Where people reach it. */
  readonly url: string;
  /** A link that makes the first admin's account; null when there is an admin. */
  readonly adminLink: string | null;
  /** Takes no more requests, lets those under way finish for a while, and closes the store. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const defaultGraceMs = 5_000;
const adminLinkMs = 24 * 3600 * 1000;

/**
 * @throws TenetError('usage') for an address that others can reach without https or before there is an admin, and for
 *   a port that cannot be had; TenetError('store') when the store cannot be opened
 */
export async function serveApp(options: ServeAppOptions): Promise<RunningApp> {
  const { host = '127.0.0.1', port = 8100, onFailure = () => {} } = options;
  const publicUrl = options.url === undefined ? undefined : checkUrl(options.url);
  const isPublic = !isOwnAddress(host);
  if (isPublic && !publicUrl?.startsWith('https:')) {
    throw new TenetError(
      'usage',
      `${host} can be reached by others, and passwords and labels must not cross a network in the clear. Put a proxy ` +
        'with HTTPS before the server and give its address with --url https://…, or serve on 127.0.0.1.',
    );
  }
  const store = await openStore(options.store);
  let server: Server | undefined;
  try {
    // The port is taken first, since with port 0 only then the address is known.
    let app: Hono | undefined;
    server = await listen(
      (request, environment) => app?.fetch(request, environment) ?? new Response(null, { status: 503 }),
      host,
      port,
    );
    const url = publicUrl ?? originOf(server, host);
    const accounts = await Accounts.open(store.database, { baseUrl: url, oidc: options.oidc });
    const hasAdmin = await accounts.hasAdmin();
    if (isPublic && !hasAdmin) {
      throw new TenetError(
        'usage',
        `${host} can be reached by others, and nobody has an account yet. Start on 127.0.0.1 first, follow the admin link, ` +
          'and start again.',
      );
    }
    const runs = new RunsFolder(options.runs);
    const starter = new RunStarter({ runs, command: options.command, recipeFolders: options.recipeFolders });
    const constitutions = new ConstitutionsFolder(options.constitutions ?? 'constitutions');
    const storeUrl = options.store === ':memory:' ? null : options.store;
    const quality = new QualityReader({ store, storeUrl });
    const shelf = new ModelShelf({ runs, given: options.models });
    const playground = new Playground({ store, shelf, onFailure });
    const version = describeVersions().tenet;
    app = await createApp(
      {
        store,
        accounts,
        quality,
        runs,
        starter,
        constitutions,
        playground,
        baseUrl: url,
        version,
        onFailure,
      },
      { pages: options.pages ?? true },
    );
    return {
      url,
      adminLink: hasAdmin ? null : await adminLinkOf(accounts, url),
      close: async ({ graceMs = defaultGraceMs } = {}) => {
        await closeServer(server!, graceMs);
        await Promise.all([playground.close(), quality.close()]);
        await store.close();
      },
    };
  } catch (error) {
    server?.close();
    await store.close();
    throw error;
  }
}

async function adminLinkOf(accounts: Accounts, url: string): Promise<string> {
  const { token } = await accounts.invite({ role: 'admin', validMs: adminLinkMs, note: 'the first admin' });
  return invitationLink(url, token);
}

function checkUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TenetError(
      'usage',
      `--url ${text} is not an address; give one like https://labels.example.org.`,
    );
  }
  if (!['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search || url.hash) {
    throw new TenetError(
      'usage',
      `--url ${text}: give protocol, host and port only, like https://labels.example.org; the app needs a host of its own.`,
    );
  }
  return url.origin;
}
