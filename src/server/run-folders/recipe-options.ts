/** A recipe as resolved, option by option, so that recipes can be told apart. */
import { parse } from 'yaml';

export interface RecipeOption {
  /** `ppo.klCoef`: the stage by its name or type, then the option. */
  readonly path: string;
  readonly value: string;
}

/** @param text recipe.yaml of a run */
export function recipeOptions(text: string): RecipeOption[] {
  const { stages = [], ...rest } = (parse(text) ?? {}) as { readonly stages?: readonly Stage[] } & Record<
    string,
    unknown
  >;
  const seen = new Map<string, number>();
  return [
    ...flattened(rest, ''),
    ...stages.flatMap((stage) => {
      const name = stage.name ?? stage.type ?? stage.stage ?? 'stage';
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      return flattened(stage, count === 1 ? name : `${name} ${count}`);
    }),
  ];
}

interface Stage extends Record<string, unknown> {
  readonly name?: string;
  readonly type?: string;
  readonly stage?: string;
}

/** Lists are one value each: their elements have no names to compare by. */
function flattened(value: unknown, path: string): RecipeOption[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return [{ path, value: typeof value === 'string' ? value : JSON.stringify(value) }];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    flattened(inner, path === '' ? key : `${path}.${key}`),
  );
}
