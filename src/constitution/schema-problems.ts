/** Turns what zod finds wrong with a file into messages with place, value and rule. */
import type { z } from 'zod';
import { nearest } from '../base/index.ts';
import { nameOfPath, placeAt, type Source, type SourceProblem } from './source.ts';

type Issue = z.core.$ZodIssue;

/** What a file is, and how its rules are said. */
export interface SchemaWords {
  readonly schema: z.ZodType;
  /** The whole in words, e.g. `the constitution`. */
  readonly whole: string;
  /** What values are, where the usual words do not fit. */
  readonly kinds?: Readonly<Record<string, string>>;
  /** The rule that a value breaks, and the value, where the usual words do not fit; null where they do. */
  readonly say?: (issue: Issue, value: unknown, shown: string) => string | null;
}

/** @param file for problems of the whole document */
export function schemaProblems(
  issues: readonly Issue[],
  source: Source,
  file: string,
  words: SchemaWords,
  prefix: readonly PropertyKey[] = [],
): SourceProblem[] {
  return issues.flatMap((issue): SourceProblem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        place: placeAt(source, [...path, key], file),
        message: unknownKey(key, path, words),
      }));
    }
    if (issue.code === 'invalid_union') {
      // A list was meant where there is one: say what is wrong inside it, not that it is no text.
      const inside = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
      if (inside) return schemaProblems(inside, source, file, words, path);
    }
    const value = valueAt(source.value, path);
    const broken = value === undefined && path.length > 0 ? 'is missing' : brokenRule(issue, value, words);
    const name = nameOfPath(path) || words.whole;
    return [{ place: placeAt(source, path, file), message: `${name} ${broken}` }];
  });
}

function brokenRule(issue: Issue, value: unknown, words: SchemaWords): string {
  const found = JSON.stringify(value) ?? String(value);
  const shown = found.length > 60 ? `${found.slice(0, 57)}…` : found;
  return words.say?.(issue, value, shown) ?? `${usualRule(issue, words)}; it is ${shown}`;
}

function usualRule(issue: Issue, { kinds }: SchemaWords): string {
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds?.[issue.expected] ?? usualKinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ')}`;
    case 'too_small':
      return issue.origin === 'array'
        ? `must have at least ${issue.minimum} entry`
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const usualKinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map',
};

function unknownKey(key: string, path: readonly PropertyKey[], { schema, whole }: SchemaWords): string {
  const known = keysAt(schema, path);
  const guess = nearest(key, known);
  const where = nameOfPath(path) || whole;
  if (guess) return `unknown field "${key}" in ${where}; did you mean "${guess}"?`;
  return `unknown field "${key}" in ${where}; known: ${known.join(', ')}`;
}

/** The fields that the schema knows at a path. */
function keysAt(whole: z.ZodType, path: readonly PropertyKey[]): string[] {
  let schema: z.ZodType | undefined = whole;
  for (const step of path) {
    schema = plain(schema);
    const { shape, element } = (schema ?? {}) as { shape?: Record<string, z.ZodType>; element?: z.ZodType };
    schema = typeof step === 'number' ? element : shape?.[String(step)];
  }
  return Object.keys((plain(schema) as { shape?: object } | undefined)?.shape ?? {});
}

/** A schema without its default and its null; of a union the list. */
function plain(schema: z.ZodType | undefined): z.ZodType | undefined {
  let inner = schema;
  for (;;) {
    const { innerType, options } = (inner?.def ?? {}) as { innerType?: z.ZodType; options?: z.ZodType[] };
    if (options) inner = options.find((option) => 'element' in option);
    else if (innerType) inner = innerType;
    else return inner;
  }
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}
