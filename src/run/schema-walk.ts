/** Looks into zod schemas: what stands behind the wrappers, which keys are known, what is described. */
import type { z } from 'zod';

/** The parts of a zod schema that this file reads (see zod's "core" documentation for library authors). */
interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly out?: Schema;
  readonly getter?: () => Schema;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly catchall?: Schema;
  readonly element?: Schema;
  readonly items?: readonly Schema[];
  readonly options?: readonly Schema[];
  readonly discriminator?: string;
  readonly valueType?: Schema;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
}

export type Schema = z.ZodType;

/** Metadata key that marks a string as a file path, resolved against the folder of the recipe. */
export const PATH_MARK = 'tenetPath';

export function definitionOf(schema: Schema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** The schema one wrapper further in (default, optional, nullable, pipe …), or undefined at the core. */
function innerOf(schema: Schema): Schema | undefined {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'pipe':
      // A preprocessing pipe begins with a transform: what users write is then described by its output.
      return definitionOf(definition.in as Schema).type === 'transform' ? definition.out : definition.in;
    case 'lazy':
      return definition.getter?.();
    default:
      return definition.innerType;
  }
}

/** A schema and everything it wraps, outermost first; the last is the core. */
export function layersOf(schema: Schema): Schema[] {
  const layers = [schema];
  for (let inner = innerOf(schema); inner; inner = innerOf(inner)) layers.push(inner);
  return layers;
}

/** The schema behind all wrappers. */
export function coreOf(schema: Schema): Schema {
  return layersOf(schema).at(-1) as Schema;
}

/** The text given with `.describe()`, on whichever layer. */
export function descriptionOf(schema: Schema): string | undefined {
  for (const layer of layersOf(schema)) if (layer.description) return layer.description;
  return undefined;
}

/** The default value, as `{ value }` so that a default of undefined differs from none. */
export function defaultOf(schema: Schema): { value: unknown } | undefined {
  for (const layer of layersOf(schema)) {
    const definition = definitionOf(layer);
    if (definition.type === 'default' || definition.type === 'prefault')
      return { value: definition.defaultValue };
  }
  return undefined;
}

/** True when the key may be left out. */
export function isOptional(schema: Schema): boolean {
  return layersOf(schema).some((layer) =>
    ['default', 'prefault', 'optional'].includes(definitionOf(layer).type),
  );
}

/** True for strings marked with the path mark. */
export function isPath(schema: Schema): boolean {
  return layersOf(schema).some((layer) => layer.meta()?.[PATH_MARK] === true);
}

/** True where a text in this place is a file path: marked so itself, or as one of the options of a union. */
export function acceptsPath(schema: Schema): boolean {
  if (isPath(schema)) return true;
  const { type, options } = definitionOf(coreOf(schema));
  return type === 'union' && (options ?? []).some(acceptsPath);
}

/**
 * The schemas that may describe `value`: the core itself, or for a union the options it can belong to (by
 * discriminator if there is one, else by kind of value).
 */
export function candidatesFor(schema: Schema, value: unknown): Schema[] {
  const core = coreOf(schema);
  const { type, options, discriminator } = definitionOf(core);
  if (type !== 'union' || !options) return [core];
  const cores = options.flatMap((option) => candidatesFor(option, value));
  const fitting = cores.filter((option) => fitsKind(option, value));
  if (!discriminator) return fitting;
  const tag = (value as Record<string, unknown> | null)?.[discriminator];
  return fitting.filter((option) => {
    const tagSchema = definitionOf(option).shape?.[discriminator];
    return tagSchema ? tagSchema.safeParse(tag).success : false;
  });
}

function fitsKind(schema: Schema, value: unknown): boolean {
  const { type } = definitionOf(schema);
  if (Array.isArray(value)) return type === 'array' || type === 'tuple';
  if (typeof value === 'object' && value !== null) return type === 'object' || type === 'record';
  return !['array', 'tuple', 'object', 'record'].includes(type);
}

/** The schema of the value at `key` inside `value`, or undefined where the key is not known. */
export function childOf(schema: Schema, value: unknown, key: string | number): Schema | undefined {
  for (const candidate of candidatesFor(schema, value)) {
    const { shape, catchall, element, items, valueType } = definitionOf(candidate);
    const child = shape
      ? Object.hasOwn(shape, key)
        ? shape[key]
        : openCatchall(catchall)
      : (element ?? items?.[Number(key)] ?? valueType);
    if (child) return child;
  }
  return undefined;
}

/** Keys an object may have at this place; undefined when any key goes or the value is no object. */
export function knownKeys(schema: Schema, value: unknown): string[] | undefined {
  const keys = new Set<string>();
  const candidates = candidatesFor(schema, value);
  for (const candidate of candidates) {
    const { type, shape, catchall } = definitionOf(candidate);
    if (type !== 'object' || !shape || openCatchall(catchall)) return undefined;
    for (const key of Object.keys(shape)) keys.add(key);
  }
  return candidates.length === 0 ? undefined : [...keys];
}

/** The schema for keys that are not named, unless that forbids them. */
function openCatchall(catchall: Schema | undefined): Schema | undefined {
  return catchall && definitionOf(catchall).type !== 'never' ? catchall : undefined;
}

export type Path = readonly (string | number)[];

/** Calls `visit` for every value in a tree of data together with its schema, parents before children. */
export function walk(
  schema: Schema,
  value: unknown,
  visit: (schema: Schema, value: unknown, path: Path) => void,
  path: Path = [],
): void {
  visit(schema, value, path);
  if (typeof value !== 'object' || value === null) return;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const child = childOf(schema, value, key);
    if (child) walk(child, (value as Record<string | number, unknown>)[key], visit, [...path, key]);
  }
}
