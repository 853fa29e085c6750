/** Files that a recipe names, looked for before anything is computed. */
import { access } from 'node:fs/promises';
import { TenetError } from '../base/index.ts';
import { isElsewhere } from './recipe.ts';
import { acceptsPath, type Path, type Schema, walk } from './schema-walk.ts';

export interface RecipePath {
  /** As `--set` takes it, e.g. `sft.data.path`. */
  readonly option: string;
  readonly path: string;
}

/** Every input file or folder that a parsed recipe names, in its order. */
export function inputPathsOf(schema: Schema, recipe: unknown): RecipePath[] {
  const found: RecipePath[] = [];
  walk(schema, recipe, (at, value, path) => {
    if (typeof value !== 'string' || path[0] === 'output' || !acceptsPath(at)) return;
    found.push({ option: optionName(recipe, path), path: value });
  });
  return found;
}

/**
 * Looks for every input of a recipe.
 * @param name how the recipe is called in the message
 * @throws TenetError('usage') naming all that are missing, and how to give their paths
 */
export async function checkInputPaths(schema: Schema, recipe: unknown, name: string): Promise<void> {
  const missing: RecipePath[] = [];
  for (const input of inputPathsOf(schema, recipe)) {
    if (isElsewhere(input.path)) continue;
    await access(input.path).catch(() => missing.push(input));
  }
  if (missing.length === 0) return;
  const list = missing.map(({ option, path }) => `  ${option}: ${path}`).join('\n');
  const options = [...new Set(missing.map(({ option }) => option))];
  throw new TenetError(
    'usage',
    `${name} needs ${missing.length === 1 ? 'something' : 'files'} that cannot be found:\n${list}\n` +
      `Correct ${missing.length === 1 ? 'it' : 'them'} in the recipe, or give the place with ${options.map((option) => `--set ${option}=PATH`).join(' ')}.`,
    { details: { missing } },
  );
}

/** `sft.data.path` for `stages[0].data.path`, where stage 0 is called sft. */
function optionName(recipe: unknown, path: Path): string {
  const [head, index, ...rest] = path;
  const stages = (recipe as { stages?: { name?: string; type?: string }[] }).stages;
  const stage = head === 'stages' ? stages?.[Number(index)] : undefined;
  const name = stage?.name ?? stage?.type;
  const steps = name ? [name, ...rest] : path;
  // An item of a list is given with the whole list.
  const end = steps.findIndex((step) => typeof step === 'number');
  return (end < 0 ? steps : steps.slice(0, end)).join('.');
}
