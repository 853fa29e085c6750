/** Turns what zod finds wrong with a constitution into messages with place, value and rule. */
import type { z } from 'zod';
import { nearest } from '../base/index.ts';
import { constitutionSchema } from './schema.ts';
import { nameOfPath, placeAt, type Source, type SourceProblem } from './source.ts';

/** @param file for problems of the whole document */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  source: Source,
  file: string,
  prefix: readonly PropertyKey[] = [],
): SourceProblem[] {
  return issues.flatMap((issue): SourceProblem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        place: placeAt(source, [...path, key], file),
        message: unknownKey(key, path),
      }));
    }
    if (issue.code === 'invalid_union') {
      // A list was meant where there is one: say what is wrong inside it, not that it is no text.
      const inside = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
      if (inside) return problemsOf(inside, source, file, path);
    }
    const name = nameOfPath(path);
    const value = valueAt(source.value, path);
    const message = value === undefined && path.length > 0 ? 'is missing' : ruleOf(issue, value);
    return [
      {
        place: placeAt(source, path, file),
        message: `${name === '' ? 'the constitution' : name} ${message}`,
      },
    ];
  });
}

function ruleOf(issue: z.core.$ZodIssue, value: unknown): string {
  const found = JSON.stringify(value) ?? String(value);
  const shown = found.length > 60 ? `${found.slice(0, 57)}…` : found;
  if (issue.code === 'custom')
    return value === '' || typeof value === 'object' ? issue.message : `${shown} ${issue.message}`;
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return `${issue.message}; it is ${shown}`;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}; it is ${shown}`;
    case 'invalid_value':
      return `must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ')}; it is ${shown}`;
    case 'too_small':
      return `must ${issue.origin === 'array' ? `have at least ${issue.minimum} entry` : `be at least ${issue.minimum}`}; it is ${shown}`;
    case 'invalid_union':
      return `must be a text or a list of messages; it is ${shown}`;
    default:
      return `${issue.message}; it is ${shown}`;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false (in Markdown yes or no)',
  array: 'a list',
  object: 'a map of fields',
};

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = keysAt(path);
  const guess = nearest(key, known);
  const where = nameOfPath(path) || 'the constitution';
  if (guess) return `unknown field "${key}" in ${where}; did you mean "${guess}"?`;
  return `unknown field "${key}" in ${where}; known: ${known.join(', ')}`;
}

/** The fields that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: z.ZodType | undefined = constitutionSchema;
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
