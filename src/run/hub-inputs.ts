/** Models and data that a recipe names on the Hub, brought here before anything runs. */
import { fetchHubData, fetchHubModel, type HubOptions, isHubName, parseHubName } from '../hub/index.ts';
import { inputPathsOf } from './recipe-paths.ts';
import type { Schema } from './schema-walk.ts';

/**
 * The recipe with the files of the cache in place of names on the Hub; the same object when it has none. The paths hold
 * the commit, so the run stays with it, also when it is resumed after a branch has moved on. Several files of a data set
 * become a list.
 * @throws TenetError as `fetchHubModel` and `fetchHubData`
 */
export async function withHubFiles<T>(schema: Schema, recipe: T, options: HubOptions = {}): Promise<T> {
  const names = new Set(
    inputPathsOf(schema, recipe)
      .map(({ path }) => path)
      .filter(isHubName),
  );
  if (names.size === 0) return recipe;
  const found = new Map<string, readonly string[]>();
  for (const name of names) {
    const isModel = parseHubName(name).kind === 'model';
    found.set(
      name,
      isModel ? [(await fetchHubModel(name, options)).folder] : (await fetchHubData(name, options)).files,
    );
  }
  return replaced(recipe, found) as T;
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
