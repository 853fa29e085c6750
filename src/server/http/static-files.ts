/** The bundled app: read once, sent with hashes that let browsers keep it. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Hono } from 'hono';
import { TenetError } from '../../base/index.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

interface StaticFile {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

/** Where the build puts the app; the sources look there too. */
export function appFolder(): string {
  const beside = fileURLToPath(new URL('../../web', import.meta.url));
  const folder = existsSync(join(beside, 'index.html'))
    ? beside
    : fileURLToPath(new URL('../../../dist/web', import.meta.url));
  if (existsSync(join(folder, 'index.html'))) return folder;
  throw new TenetError('usage', `the web app has not been built (nothing in ${folder}); run: npm run build`);
}

/** @throws TenetError('usage') when the app has not been built */
export async function readApp(folder: string = appFolder()): Promise<ReadonlyMap<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const body = new Uint8Array(await readFile(path));
    const zipped = new Uint8Array(await promisify(gzip)(body));
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    files.set(path.slice(folder.length).split(sep).join('/'), { type, body, zipped, tag });
  }
  return files;
}

/** Files by their path; any other address that is not the API's is a page of the app. */
export function serveApp(app: Hono, files: ReadonlyMap<string, StaticFile>): void {
  app.get('*', async (context, next) => {
    const { path } = context.req;
    if (path.startsWith('/api/')) return next();
    const known = files.get(path);
    // A file that is gone, such as one of an older build, must not be answered with a page. Names of runs may have dots.
    const file = known ?? (path.startsWith('/assets/') ? undefined : files.get('/index.html'));
    if (!file) return next();
    const headers: Record<string, string> = {
      'content-type': file.type,
      etag: file.tag,
      vary: 'accept-encoding',
      'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (context.req.header('if-none-match') === file.tag) return context.body(null, 304, headers);
    if (!/\bgzip\b/.test(context.req.header('accept-encoding') ?? ''))
      return context.body(file.body, 200, headers);
    return context.body(file.zipped, 200, { ...headers, 'content-encoding': 'gzip' });
  });
}
