/** The web app's server: API and pages in one. */
import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, Hono } from 'hono';
import type { Store } from '../store/index.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { ConstitutionsFolder } from './constitutions-folder.ts';
import { asHttpError, HttpError } from './http/http-error.ts';
import { mount } from './http/mount.ts';
import { openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { refuseForeignHosts, securityHeaders } from './http/security.ts';
import { readApp, serveApp } from './http/static-files.ts';
import type { Playground } from './playground/playground.ts';
import type { QualityReader } from './quality/quality-reader.ts';
import { accountRoutes } from './routes/account-routes.ts';
import { constitutionRoutes } from './routes/constitution-routes.ts';
import { labelRoutes } from './routes/label-routes.ts';
import { playgroundRoutes } from './routes/playground-routes.ts';
import { qualityRoutes } from './routes/quality-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import type { RunStarter } from './run-folders/run-starter.ts';
import type { RunsFolder } from './run-folders/runs-folder.ts';

export interface AppParts {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly quality: QualityReader;
  readonly runs: RunsFolder;
  readonly starter: RunStarter;
  readonly constitutions: ConstitutionsFolder;
  readonly playground: Playground;
  /** Where people reach the server, without a slash at the end. */
  readonly baseUrl: string;
  readonly version: string;
  /** Told of failures that are the server's own. */
  readonly onFailure: (error: unknown) => void;
}

/** Every route of the API. */
export function apiRoutes(parts: AppParts): Route[] {
  return [
    ...accountRoutes(parts.accounts, parts),
    ...labelRoutes(parts.store),
    ...qualityRoutes(parts.store, parts.accounts, parts.quality),
    ...constitutionRoutes(parts.store, parts.constitutions, parts.playground.shelf, parts.onFailure),
    ...playgroundRoutes(parts.playground),
    ...runRoutes(parts.runs, parts.starter),
  ];
}

/** @param pages the bundled app; false leaves it out */
export async function createApp(
  parts: AppParts,
  { pages = true }: { pages?: boolean | string } = {},
): Promise<Hono> {
  const { accounts, baseUrl, version, onFailure } = parts;
  const app = new Hono();
  const { protocol, host } = new URL(baseUrl);
  app.use(securityHeaders({ https: protocol === 'https:' }));
  app.use(refuseForeignHosts([host]));
  const routes = apiRoutes(parts);
  mount(app, routes, { accounts, hosts: [host], addressOf });
  const document = openApiDocument(routes, { version, url: baseUrl });
  app.get('/api/openapi.json', (context) => context.json(document));
  app.get('/api/health', (context) => context.json({ status: 'ok', version }));
  app.all('/api/*', ({ req }) => {
    throw new HttpError('not-found', `There is no ${req.method} ${req.path} here.`);
  });
  if (pages !== false) serveApp(app, await readApp(pages === true ? undefined : pages));
  app.notFound(() => {
    throw new HttpError('not-found', 'There is no such page.');
  });
  app.onError((error, context) => {
    const told = asHttpError(error);
    if (told.status === 500) onFailure(error);
    const { retryAfterSeconds } = told.details;
    if (retryAfterSeconds !== undefined) context.header('retry-after', String(retryAfterSeconds));
    return context.json(told.body, told.status);
  });
  return app;
}

/** Of the connection, never of a header that anybody can write. */
function addressOf(context: Context): string {
  return context.env?.incoming ? (getConnInfo(context).remote.address ?? 'unknown') : 'in-process';
}
