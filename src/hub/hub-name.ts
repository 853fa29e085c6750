/** Names of models and data sets on the Hugging Face Hub, as users give them. */
import { TenetError } from '../base/index.ts';

export interface HubName {
  readonly kind: 'model' | 'dataset';
  /** `owner/name`, or `name` alone for the few old ones. */
  readonly repo: string;
  /** Branch, tag or commit. Default main. */
  readonly revision: string;
  /** Of a data set: file in it, may have `*`. Undefined: its only data file. */
  readonly path?: string;
}

const PREFIX = 'hub:';
const SHAPE =
  /^(?<datasets>datasets\/)?(?<repo>[\w.-]+(?:\/[\w.-]+)?)(?:@(?<revision>refs\/\w+\/\w+|[\w.-]+))?(?:\/(?<path>.+))?$/;

/** True for what is meant as a name on the Hub. */
export function isHubName(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Reads `hub:owner/name`, `hub:owner/name@revision`, `hub:datasets/owner/name@revision/path/in/it.parquet`.
 * @throws TenetError('usage') for anything else
 */
export function parseHubName(text: string): HubName {
  const { datasets, repo, revision, path } = SHAPE.exec(text.slice(PREFIX.length))?.groups ?? {};
  const isSafe = repo && !/^\.+$|^\.+\/|\/\.+$|--/.test(repo) && !(path && unsafePath(path));
  if (!isHubName(text) || !isSafe || (path !== undefined && !datasets)) {
    throw new TenetError(
      'usage',
      `"${text}" is no name on the Hub. Write hub:owner/name for a model, hub:datasets/owner/name/file.parquet for data, ` +
        'each also with @revision behind the name.',
    );
  }
  return { kind: datasets ? 'dataset' : 'model', repo, revision: revision ?? 'main', ...(path && { path }) };
}

/** The name as text again, with another revision if given. */
export function formatHubName({ kind, repo, revision, path }: HubName, pinned: string = revision): string {
  const name = `${PREFIX}${kind === 'dataset' ? 'datasets/' : ''}${repo}@${pinned}`;
  return path === undefined ? name : `${name}/${path}`;
}

/** True for a path that could leave the folder it is put in. */
export function unsafePath(path: string): boolean {
  return path.includes('\\') || path.includes('\0') || path.split('/').some((step) => /^\.{0,2}$/.test(step));
}
