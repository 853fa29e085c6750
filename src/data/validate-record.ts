/** Checks one record against the schema of its format and explains what does not fit. */
import type { z } from 'zod';
import type { RecordFormat } from './record.ts';
import { schemaFor } from './record-schemas.ts';

/** One field that does not fit. */
export interface FieldProblem {
  /** Path inside the record, such as `messages[2].content`; '' for the record itself. */
  field: string;
  problem: string;
}

/** All problems of a record; empty when it is a valid record of the format. */
export function validateRecord(value: unknown, format: RecordFormat): FieldProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ field: '', problem: `expected an object with fields, found ${kindOf(value)}` }];
  }
  const result = schemaFor(format, value).safeParse(value);
  return result.success ? [] : result.error.issues.flatMap((issue) => explain(issue, value, []));
}

function explain(issue: z.core.$ZodIssue, root: unknown, prefix: readonly PropertyKey[]): FieldProblem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'invalid_union' && Array.isArray(at(root, path))) {
    // A list was meant: tell what is wrong inside it rather than that it is neither text nor list.
    const inside = issue.errors.find((issues) => issues.some((inner) => inner.path.length > 0));
    if (inside) return inside.flatMap((inner) => explain(inner, root, path));
  }
  const value = at(root, path);
  const field = path.reduce<string>(
    (name, key) =>
      typeof key === 'number' ? `${name}[${key}]` : name ? `${name}.${String(key)}` : String(key),
    '',
  );
  if (issue.code === 'custom' || (issue.code === 'too_small' && value !== undefined)) {
    return [{ field, problem: issue.message }];
  }
  if (value === undefined) return [{ field, problem: 'missing' }];
  const expected = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '');
  return [{ field, problem: `${expected}; found ${kindOf(value)}` }];
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[key];
  return value;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const shown = JSON.stringify(value) ?? String(value);
  return typeof value === 'object' ? 'an object' : `${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown}`;
}
