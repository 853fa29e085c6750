/**
 * A repository at one commit in the cache, laid out as Python's huggingface_hub does, so that both share it:
 * `models--owner--name/{refs/<revision>, blobs/<hash>, snapshots/<commit>/<path>}`, where the last are links to blobs.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { exists, TenetError, writeFileAtomic } from '../base/index.ts';
import { fetchBlob, type RemoteFile } from './fetch-blob.ts';
import { formatHubName, type HubName, unsafePath } from './hub-name.ts';
import type { HubSettings } from './hub-settings.ts';
import { ask, patiently } from './patience.ts';

export interface Snapshot {
  /** The commit, 40 hexadecimal digits. */
  readonly commit: string;
  /** Folder in which the files stand once fetched. */
  readonly folder: string;
  /** All files of the repository at this commit. */
  readonly files: readonly RemoteFile[];
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Finds out the commit and its files; asks the Hub, unless the commit is given and known, or offline. */
export async function openSnapshot(name: HubName, settings: HubSettings): Promise<Snapshot> {
  const storage = storageFolder(name, settings);
  const given = COMMIT.test(name.revision) ? name.revision : null;
  const commit =
    given ?? (await (settings.offline ? recordedCommit(name, settings) : currentCommit(name, settings)));
  const folder = join(storage, 'snapshots', commit);
  // Commits do not change, so their list of files is kept.
  const listPath = join(storage, '.tenet', `${commit}.json`);
  const known = await readFile(listPath, 'utf8').catch(() => null);
  if (known !== null) return { commit, folder, files: JSON.parse(known) as RemoteFile[] };
  if (settings.offline) throw notCached(name, settings);
  const files = await listFiles({ ...name, revision: commit }, settings);
  await writeFileAtomic(listPath, JSON.stringify(files));
  return { commit, folder, files };
}

/** Brings files of a snapshot into the cache; those that stand there already cost nothing. Returns their paths. */
export async function fetchFiles(
  name: HubName,
  { commit, folder }: Snapshot,
  files: readonly RemoteFile[],
  settings: HubSettings,
): Promise<string[]> {
  const storage = storageFolder(name, settings);
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, file.path);
    paths.push(path);
    if (await hasSize(path, file.size)) continue;
    if (settings.offline) throw notCached({ ...name, path: file.path }, settings);
    const blob = join(storage, 'blobs', file.sha256 ?? file.gitOid);
    const at = file.path.split('/').map(encodeURIComponent).join('/');
    const url = `${settings.endpoint}/${name.kind === 'dataset' ? 'datasets/' : ''}${name.repo}/resolve/${commit}/${at}`;
    await fetchBlob(url, file, blob, settings);
    await placeLink(blob, path);
  }
  return paths;
}

/** Makes `path` stand for the blob, in one step: others may read it or do the same just then. */
async function placeLink(blob: string, path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    // Where links are not allowed (Windows without its developer mode), a second name for the file does as well.
    await symlink(relative(folder, blob), temporary).catch(() => link(blob, temporary));
    await rename(temporary, path);
  } finally {
    // A rename onto another name of the same file leaves both.
    await rm(temporary, { force: true });
  }
}

/** The Hub's present commit of a branch or tag; noted for offline use. */
async function currentCommit(name: HubName, settings: HubSettings): Promise<string> {
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const what = formatHubName(name);
  const request = {
    name: name.repo,
    revision: name.revision,
    additionalFields: ['sha' as const],
    ...access(what, settings),
  };
  const { sha } = await patiently(what, settings, async () =>
    name.kind === 'model' ? modelInfo(request) : datasetInfo(request),
  );
  if (!COMMIT.test(sha)) throw new TenetError('provider', `${what}: the Hub names no commit for it.`);
  await writeFileAtomic(refPath(name, settings), sha);
  return sha;
}

async function recordedCommit(name: HubName, settings: HubSettings): Promise<string> {
  const sha = (await readFile(refPath(name, settings), 'utf8').catch(() => '')).trim();
  if (!COMMIT.test(sha)) throw notCached(name, settings);
  return sha;
}

/** Folder of what was fetched last of a branch or tag, or of a commit, whatever of it was fetched; null for nothing. */
export async function cachedSnapshot(name: HubName, settings: HubSettings): Promise<string | null> {
  const commit = COMMIT.test(name.revision)
    ? name.revision
    : await recordedCommit(name, settings).catch(() => null);
  const folder = commit && join(storageFolder(name, settings), 'snapshots', commit);
  return folder && (await exists(folder)) ? folder : null;
}

async function listFiles(name: HubName, settings: HubSettings): Promise<RemoteFile[]> {
  const { listFiles: list } = await import('@huggingface/hub');
  const what = formatHubName(name);
  return patiently(what, settings, async () => {
    const files: RemoteFile[] = [];
    const repo = { type: name.kind, name: name.repo };
    const entries = list({ repo, revision: name.revision, recursive: true, ...access(what, settings) });
    for await (const { type, path, size, oid, lfs } of entries) {
      if (type !== 'file') continue;
      // A hostile repository must not write outside its folder.
      if (unsafePath(path))
        throw new TenetError('provider', `${what} holds a file with the path "${path}"; refused.`);
      files.push({
        path,
        size: lfs?.size ?? size,
        gitOid: hexadecimal(oid, what),
        ...(lfs && { sha256: hexadecimal(lfs.oid, what) }),
      });
    }
    return files;
  });
}

/** Hashes become file names, so they must be nothing but hashes. */
function hexadecimal(hash: string | undefined, what: string): string {
  if (hash && /^[0-9a-f]{40,64}$/.test(hash)) return hash;
  throw new TenetError('provider', `${what}: the Hub gives a file without a proper hash.`);
}

/** How @huggingface/hub reaches the Hub: each of its requests is checked here. */
function access(what: string, settings: HubSettings) {
  const { endpoint, token, signal } = settings;
  return {
    hubUrl: endpoint,
    // The library takes tokens of one shape only; the header serves all.
    fetch: (url: string | URL | Request, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      // The next page of a list may be said to be elsewhere; the token stays with the Hub.
      if (token && new URL(String(url)).origin === new URL(endpoint).origin)
        headers.set('Authorization', `Bearer ${token}`);
      return ask(String(url), { ...init, headers, signal }, { what, settings });
    },
  };
}

function storageFolder({ kind, repo }: HubName, { cacheFolder }: HubSettings): string {
  return join(cacheFolder, [`${kind}s`, ...repo.split('/')].join('--'));
}

function refPath(name: HubName, settings: HubSettings): string {
  return join(storageFolder(name, settings), 'refs', ...name.revision.split('/'));
}

async function hasSize(path: string, size: number): Promise<boolean> {
  return stat(path).then(
    (found) => found.size === size,
    () => false,
  );
}

function notCached(name: HubName, { cacheFolder }: HubSettings): TenetError {
  return new TenetError(
    'usage',
    `${formatHubName(name)} is not in the cache (${cacheFolder}), and HF_HUB_OFFLINE forbids to fetch it. Run once without HF_HUB_OFFLINE.`,
  );
}
