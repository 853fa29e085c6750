/** Models and data that a recipe names on the Hub, brought here before anything runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  fetchHubData,
  fetchHubModel,
  formatHubName,
  type HubName,
  type HubOptions,
  hubNameOfPath,
  isHubName,
  parseHubName,
} from '../hub/index.ts';
import { inputPathsOf } from './recipe-paths.ts';
import type { Schema } from './schema-walk.ts';

/**
 * The recipe with the files of the cache in place of names on the Hub; the same object when it has none. The paths hold
 * the commit. Several files of a data set become a list.
 * @param options.resumed run folder of a run that goes on: it stays with the commits it began with, also where a branch has
 *   moved on since
 * @throws TenetError as `fetchHubModel` and `fetchHubData`
 */
export async function withHubFiles<T>(
  schema: Schema,
  recipe: T,
  { resumed, ...options }: HubOptions & { readonly resumed?: string } = {},
): Promise<T> {
  const names = new Set(
    inputPathsOf(schema, recipe)
      .map(({ path }) => path)
      .filter(isHubName),
  );
  if (names.size === 0) return recipe;
  const before = resumed === undefined ? [] : await pinnedNames(resumed);
  const found = new Map<string, readonly string[]>();
  for (const name of names) {
    const { kind, repo } = parseHubName(name);
    const commits = new Set(
      before.flatMap((pinned) => (pinned.kind === kind && pinned.repo === repo ? [pinned.revision] : [])),
    );
    // Of a repository that the recipe names at two revisions, both are asked for anew.
    const pinned = commits.size === 1 ? formatHubName(parseHubName(name), [...commits][0]) : name;
    found.set(
      name,
      kind === 'model'
        ? [(await fetchHubModel(pinned, options)).folder]
        : (await fetchHubData(pinned, options)).files,
    );
  }
  return replaced(recipe, found) as T;
}

/** The repositories, with commits, whose files the recipe of a run begun before names. */
async function pinnedNames(runFolder: string): Promise<HubName[]> {
  const text = await readFile(join(runFolder, 'recipe.yaml'), 'utf8').catch(() => '');
  return stringsIn(parse(text)).flatMap((path) => {
    const name = hubNameOfPath(path);
    return name === null ? [] : [parseHubName(name)];
  });
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

function replaced(value: unknown, found: ReadonlyMap<string, readonly string[]>): unknown {
  if (typeof value === 'string') {
    const files = found.get(value);
    return files === undefined ? value : files.length === 1 ? files[0] : files;
  }
  if (Array.isArray(value)) {
    // The files of a name in a list join the list.
    return value.flatMap((item) =>
      typeof item === 'string' ? (found.get(item) ?? item) : [replaced(item, found)],
    );
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, found)]));
}
