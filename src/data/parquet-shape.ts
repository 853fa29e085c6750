/** Finds the columns that rows of JSON need in Parquet, and brings values into them. */
import type { SchemaElement } from 'hyparquet';

/** The kind of a value, wide enough for every value seen in its place. */
export type Shape =
  | { readonly kind: 'unknown' | 'boolean' | 'integer' | 'double' | 'text' }
  /** Values of several kinds; kept as JSON text. */
  | { readonly kind: 'json' }
  | { readonly kind: 'list'; readonly element: Shape }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Shape> };

export const unknownShape: Shape = { kind: 'unknown' };
const json: Shape = { kind: 'json' };

/** Structs with more fields than this are kept as JSON: their names are data, such as the words of a count. */
const MOST_FIELDS = 256;

/** A shape that fits all that `shape` fits, and `value`. Null fits everywhere. */
export function widen(shape: Shape, value: unknown): Shape {
  if (value === null || value === undefined || shape.kind === 'json') return shape;
  if (Array.isArray(value)) {
    if (shape.kind !== 'unknown' && shape.kind !== 'list') return json;
    return {
      kind: 'list',
      element: value.reduce(widen, shape.kind === 'list' ? shape.element : unknownShape),
    };
  }
  if (typeof value === 'object') {
    if (shape.kind !== 'unknown' && shape.kind !== 'struct') return json;
    return widenStruct(shape.kind === 'struct' ? shape.fields : new Map(), value);
  }
  const kind = kindOf(value);
  if (shape.kind === 'unknown' || shape.kind === kind) return { kind };
  const areNumbers = [shape.kind, kind].every((one) => one === 'integer' || one === 'double');
  return areNumbers ? { kind: 'double' } : json;
}

function widenStruct(fields: ReadonlyMap<string, Shape>, value: object): Shape {
  let wider: Map<string, Shape> | null = null; // rows are mostly alike: copy only for a change
  for (const [name, field] of Object.entries(value)) {
    const old = fields.get(name);
    const shape = widen(old ?? unknownShape, field);
    if (old !== undefined && sameShape(old, shape)) continue;
    // A dot separates the steps of a column's path, so no name can have one.
    if (name === '' || name.includes('.')) return json;
    wider ??= new Map(fields);
    wider.set(name, shape);
  }
  if (wider && wider.size > MOST_FIELDS) return json;
  return { kind: 'struct', fields: wider ?? fields };
}

function sameShape(a: Shape, b: Shape): boolean {
  if (a.kind === 'list' && b.kind === 'list') return sameShape(a.element, b.element);
  if (a.kind === 'struct' && b.kind === 'struct') return a.fields === b.fields;
  return a.kind === b.kind;
}

function kindOf(value: unknown): 'boolean' | 'integer' | 'double' | 'text' {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'text';
  return Number.isSafeInteger(value) ? 'integer' : 'double';
}

/** The schema of a column, depth first as Parquet lists it; every field may be null. Lists have three levels. */
export function schemaElements(name: string, shape: Shape): SchemaElement[] {
  const at = { name, repetition_type: 'OPTIONAL' as const };
  switch (shape.kind) {
    case 'boolean':
      return [{ ...at, type: 'BOOLEAN' }];
    case 'integer':
      return [{ ...at, type: 'INT64' }];
    case 'double':
      return [{ ...at, type: 'DOUBLE' }];
    case 'unknown': // nothing but null was seen
    case 'text':
      return [{ ...at, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }];
    case 'json':
      return [{ ...at, type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: { type: 'JSON' } }];
    case 'list':
      return [
        { ...at, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...schemaElements('element', shape.element),
      ];
    case 'struct':
      if (shape.fields.size === 0) return schemaElements(name, json); // a group needs a field
      return [
        { ...at, num_children: shape.fields.size },
        ...[...shape.fields].flatMap(([field, one]) => schemaElements(field, one)),
      ];
  }
}

/** A value as the column stores it: whole numbers as 64-bit integers, the rest as it is. */
export function storedValue(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'integer':
      return BigInt(value as number);
    case 'list':
      return (value as unknown[]).map((item) => storedValue(item, shape.element));
    case 'struct': {
      if (shape.fields.size === 0) return value;
      const stored: Record<string, unknown> = {};
      for (const [name, one] of shape.fields)
        stored[name] = storedValue((value as Record<string, unknown>)[name], one);
      return stored;
    }
    default:
      return value;
  }
}
