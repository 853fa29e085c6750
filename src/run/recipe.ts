/** Reads recipes: YAML, checked against a zod schema with all problems reported at once. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { TenetError } from '../base/index.ts';
import { isHubName } from '../hub/index.ts';
import { problemsOf } from './recipe-problems.ts';
import { parseSource, type RecipeProblem, type Shortcuts } from './recipe-source.ts';
import { acceptsPath, PATH_MARK, type Path, walk } from './schema-walk.ts';

export interface ReadRecipeOptions<T> {
  /** Names, types, defaults and descriptions of everything a recipe may say. */
  readonly schema: z.ZodType<T>;
  /** Overrides as `dotted.path=value`, the value written as YAML; list items by number from 0. Default none. */
  readonly set?: readonly string[];
  /**
   * Short first words for override paths, from the recipe as written: a recipe with a list of stages gives
   * `{ ppo: ['stages', 2] }` so that `--set ppo.klCoef=0.1` finds its stage. Default none.
   */
  readonly shortcuts?: (recipe: unknown) => Shortcuts;
}

export interface ParseRecipeOptions<T> extends ReadRecipeOptions<T> {
  /** The file's name, for messages. */
  readonly file: string;
  /** The folder that relative paths in the recipe start from. */
  readonly folder: string;
}

export interface Recipe<T> {
  /** The recipe with defaults filled in and paths made absolute. */
  readonly value: T;
  /** `value` as YAML, the text to store as `recipe.yaml` in a run folder. */
  readonly resolved: string;
}

/**
 * A file path in a recipe: relative ones start from the recipe's folder, or on `--set` from the current one. An address
 * such as postgres://… stays as it is.
 */
export function filePath(): z.ZodString {
  return z
    .string()
    .min(1)
    .meta({ [PATH_MARK]: true });
}

/**
 * Reads a recipe from a file.
 * @throws TenetError('usage') when the file cannot be read, and with all that is wrong in it: each problem
 *   with file, line and column, unknown keys with the nearest known one.
 */
export async function readRecipe<T>(path: string, options: ReadRecipeOptions<T>): Promise<Recipe<T>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new TenetError('usage', `recipe ${path} cannot be read: ${why}. Give the path of a YAML file.`, {
      cause: error,
    });
  }
  return parseRecipe(text, { ...options, file: basename(path), folder: dirname(resolve(path)) });
}

/** Reads a recipe from its text; see `readRecipe`. */
export function parseRecipe<T>(text: string, options: ParseRecipeOptions<T>): Recipe<T> {
  const { schema, file, folder, set = [], shortcuts = () => ({}) } = options;
  const source = parseSource(text, { file, schema, set, shortcuts });
  if (source.value === undefined) throw recipeError(file, source.problems);
  const overridden = (path: Path): boolean => source.place(path).startsWith('--set ');
  walk(schema, source.value, (at, value, path) => {
    if (typeof value !== 'string' || value === '' || isElsewhere(value) || !acceptsPath(at)) return;
    replaceAt(source.value, path, resolve(overridden(path) ? '.' : folder, value));
  });
  const parsed = schema.safeParse(source.value);
  const problems = [...source.problems, ...problemsOf(schema, source, parsed.error?.issues ?? [])];
  if (problems.length > 0 || !parsed.success) throw recipeError(file, problems);
  return { value: parsed.data, resolved: resolvedText(parsed.data) };
}

/** True for what is no path on this machine: a name on the Hub, or an address. */
export function isElsewhere(text: string): boolean {
  return isHubName(text) || /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** A recipe as YAML. */
export function resolvedText(value: unknown): string {
  return stringify(value, { lineWidth: 100 });
}

function replaceAt(root: unknown, path: Path, value: string): void {
  let parent = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
  parent[path[path.length - 1]] = value;
}

function recipeError(file: string, problems: readonly RecipeProblem[]): TenetError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const sorted = problems.toSorted((a, b) => positionOf(a) - positionOf(b));
  const list = sorted.map(({ place, message }) => `  ${place}: ${message}`).join('\n');
  return new TenetError('usage', `${file} has ${count}:\n${list}`, {
    details: { file, problems: sorted },
  });
}

/** Orders problems as the file reads, overrides first. */
function positionOf({ place }: RecipeProblem): number {
  const [, line, column] = /:(\d+):(\d+)$/.exec(place) ?? [undefined, 0, 0];
  return place.startsWith('--set ') ? -1 : Number(line) * 1e6 + Number(column);
}
