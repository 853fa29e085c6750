/** Models and data sets by name. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists, TenetError } from '../base/index.ts';
import type { RemoteFile } from './fetch-blob.ts';
import { formatHubName, type HubName, parseHubName } from './hub-name.ts';
import { type HubOptions, hubSettings } from './hub-settings.ts';
import { cachedSnapshot, fetchFiles, openSnapshot } from './snapshot.ts';

export interface HubFiles {
  /** The name with the commit as its revision: the same files for ever. */
  readonly pinned: string;
  readonly commit: string;
  /** Folder of the snapshot in the cache. */
  readonly folder: string;
  /** The files, in the order of their names. */
  readonly files: readonly string[];
}

/** What a model needs: configuration, safetensors, adapter, tokenizer. */
const MODEL_FILE =
  /^(config|generation_config|adapter_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|model\.safetensors\.index)\.json$|^(merges\.txt|chat_template\.jinja)$|\.safetensors$/;

/** What `readRecords` can read. */
const DATA_FILE = /\.(jsonl|ndjson|json|csv|tsv|txt)(\.gz)?$|\.parquet$/i;

/**
 * Brings a model into the cache; the snapshot's folder is a model folder.
 * @throws TenetError('usage') when there is no such model or it is not cached while offline, ('model') when it has no
 *   safetensors weights, ('provider') when the Hub cannot be reached, refuses, or gives damaged files
 */
export async function fetchHubModel(text: string, options: HubOptions = {}): Promise<HubFiles> {
  const name = parseHubName(text);
  if (name.kind !== 'model') throw new TenetError('usage', `${text} is a data set, and a model is needed.`);
  const settings = hubSettings(options);
  const snapshot = await openSnapshot(name, settings);
  const files = snapshot.files.filter(({ path }) => MODEL_FILE.test(path));
  if (!files.some(({ path }) => path.endsWith('.safetensors'))) {
    const pickled = snapshot.files.some(({ path }) => /\.(bin|pt|pth)$/.test(path));
    throw new TenetError(
      'model',
      `${text} has no weights in safetensors${pickled ? ', only pickled ones, which can run code when they are opened; look for a revision or copy with safetensors' : ''}.`,
    );
  }
  const fetched = result(name, snapshot, await fetchFiles(name, snapshot, files, settings));
  await fetchBase(fetched, options);
  return fetched;
}

/** The model that an adapter stands on, where its configuration names one on the Hub. */
async function fetchBase({ folder, files }: HubFiles, options: HubOptions): Promise<void> {
  const path = files.find((file) => basename(file) === 'adapter_config.json');
  if (path === undefined) return;
  const config = JSON.parse(await readFile(path, 'utf8')) as { base_model_name_or_path?: unknown };
  const base = config.base_model_name_or_path;
  if (typeof base !== 'string' || !isModelName(base) || (await exists(join(folder, base)))) return;
  await fetchHubModel(`hub:${base}`, options);
}

/**
 * Folder of a model in the cache, at the commit of its main branch that was fetched last; the Hub is not asked.
 * @param name `owner/name`; null for anything else, and for a model that is not there
 */
export async function cachedHubModel(name: string, options: HubOptions = {}): Promise<string | null> {
  return isModelName(name) ? cachedSnapshot(parseHubName(`hub:${name}`), hubSettings(options)) : null;
}

function isModelName(text: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text) && !text.includes('--');
}

/**
 * Brings files of a data set into the cache.
 * @throws TenetError as {@link fetchHubModel}; ('usage') with the files that there are when the name chooses none
 */
export async function fetchHubData(text: string, options: HubOptions = {}): Promise<HubFiles> {
  const name = parseHubName(text);
  if (name.kind !== 'dataset') {
    throw new TenetError(
      'usage',
      `${text} is a model, and data is needed: hub:datasets/${name.repo} for a data set.`,
    );
  }
  const settings = hubSettings(options);
  const snapshot = await openSnapshot(name, settings);
  const files = choose(snapshot.files, name, text);
  return result(name, snapshot, await fetchFiles(name, snapshot, files, settings));
}

function choose(all: readonly RemoteFile[], { path, repo }: HubName, text: string): RemoteFile[] {
  const data = all.filter((file) => DATA_FILE.test(file.path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const chosen = path === undefined ? data : all.filter((file) => matches(file.path, path));
  chosen.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (path === undefined ? chosen.length === 1 : chosen.length > 0) return chosen;
  const shown = data.slice(0, 20).map((file) => `\n  ${file.path}`);
  if (data.length > shown.length) shown.push(`\n  … and ${data.length - shown.length} more`);
  throw new TenetError(
    'usage',
    data.length === 0
      ? `${text} has no file that Tenet can read (JSON Lines, JSON, CSV, TSV, text, Parquet).`
      : `${text} ${path === undefined ? 'has several data files' : 'names no file of it'}; say which, for example hub:datasets/${repo}/${data[0].path} (* stands for any characters). It has:${shown.join('')}`,
  );
}

/** `*` stands for anything within one folder. */
function matches(path: string, pattern: string): boolean {
  const expression = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${expression.join('[^/]*')}$`).test(path);
}

function result(
  name: HubName,
  { commit, folder }: { commit: string; folder: string },
  files: string[],
): HubFiles {
  return { pinned: formatHubName(name, commit), commit, folder, files };
}

/**
 * The pinned name of a file or folder in the cache, or null for any other path.
 * `…/datasets--owner--name/snapshots/<commit>/a.parquet` gives `hub:datasets/owner/name@<commit>/a.parquet`.
 */
export function hubNameOfPath(path: string): string | null {
  const match = /(?:^|[\\/])(model|dataset)s--([^\\/]+)[\\/]snapshots[\\/]([0-9a-f]{40})(?:[\\/](.+))?$/.exec(
    path,
  );
  if (!match) return null;
  const [, kind, repo, revision, file] = match;
  const name = { kind: kind as HubName['kind'], repo: repo.replace('--', '/'), revision };
  return formatHubName(kind === 'dataset' && file ? { ...name, path: file.replaceAll('\\', '/') } : name);
}
