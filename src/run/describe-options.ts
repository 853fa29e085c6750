/** Help text, reference pages and an editor's schema, all from the zod schema that also checks the options. */
import { z } from 'zod';
import {
  coreOf,
  defaultOf,
  definitionOf,
  descriptionOf,
  isOptional,
  isPath,
  layersOf,
  type Schema,
} from './schema-walk.ts';

/** One option as people read it. */
export interface OptionDescription {
  /** Dotted path, e.g. `optimizer.lr`; items of a list as `stages[].lr`. */
  readonly name: string;
  /** E.g. `number ≥ 0`, `"linear" | "cosine"`, `list of text`. */
  readonly type: string;
  /** The default as JSON, or undefined when there is none. */
  readonly default?: string;
  /** True when leaving the option out is an error. */
  readonly required: boolean;
  readonly description: string;
}

/** Describes every option of an object schema, nested ones by dotted path. */
export function describeOptions(schema: Schema, prefix = ''): OptionDescription[] {
  const { shape } = definitionOf(coreOf(schema));
  return Object.entries(shape ?? {}).flatMap(([key, option]) => {
    const name = prefix + key;
    const core = coreOf(option);
    const { type, element } = definitionOf(core);
    const nested =
      type === 'object'
        ? describeOptions(core, `${name}.`)
        : type === 'array' && element && definitionOf(coreOf(element)).type === 'object'
          ? describeOptions(element, `${name}[].`)
          : [];
    if (type === 'object' && nested.length > 0 && !descriptionOf(option)) return nested;
    const fallback = defaultOf(option);
    const own: OptionDescription = {
      name,
      type: typeName(option),
      ...(fallback && fallback.value !== undefined ? { default: JSON.stringify(fallback.value) } : {}),
      required: !isOptional(option),
      description: descriptionOf(option) ?? '',
    };
    return [own, ...nested];
  });
}

/**
 * Options as help for a terminal: name, type and default on one line, the description wrapped below.
 * @param folded options whose own options are left out
 */
export function optionsHelp(schema: Schema, width = 80, folded: readonly string[] = []): string {
  return describeOptions(schema)
    .filter(({ name }) => !folded.some((option) => new RegExp(`^${option}(\\[\\])?\\.`).test(name)))
    .map((option) => {
      const facts = option.required
        ? 'required'
        : option.default === undefined
          ? ''
          : `default ${option.default}`;
      const head = `  ${option.name}  ${option.type}${facts && `  (${facts})`}`;
      return [head, ...wrap(option.description, Math.max(20, width - 6)).map((line) => `      ${line}`)].join(
        '\n',
      );
    })
    .join('\n');
}

/** Options as a Markdown table: a reference page's body. */
export function optionsMarkdown(schema: Schema): string {
  const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const code = (text: string): string => `\`${cell(text)}\``;
  const rows = describeOptions(schema).map((option) => {
    const fallback = option.required ? 'required' : option.default === undefined ? '–' : code(option.default);
    return `| ${code(option.name)} | ${cell(option.type)} | ${fallback} | ${cell(option.description)} |`;
  });
  return ['| option | type | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

/** JSON Schema (draft 2020-12) of what users write, for completion and checks in editors. */
export function optionsJsonSchema(schema: Schema): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // Recipes refuse unknown keys whether or not the schema was declared strict.
      if (zodSchema._zod.def.type === 'object') jsonSchema.additionalProperties ??= false;
    },
  }) as Record<string, unknown>;
}

function typeName(schema: Schema): string {
  const mayBeNull = layersOf(schema).some((layer) => definitionOf(layer).type === 'nullable');
  return coreTypeName(schema) + (mayBeNull ? ' | null' : '');
}

function coreTypeName(schema: Schema): string {
  if (isPath(schema)) return 'path';
  const core = coreOf(schema);
  const definition = definitionOf(core);
  switch (definition.type) {
    case 'number': {
      const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, type } = z.toJSONSchema(core) as Record<
        string,
        number | string | undefined
      >;
      const inside = (limit: unknown): boolean =>
        typeof limit === 'number' && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
      const bounds = [
        inside(minimum) ? ` ≥ ${minimum}` : inside(exclusiveMinimum) ? ` > ${exclusiveMinimum}` : '',
        inside(maximum) ? ` ≤ ${maximum}` : inside(exclusiveMaximum) ? ` < ${exclusiveMaximum}` : '',
      ].filter((bound) => bound !== '');
      return `${type === 'integer' ? 'whole number' : 'number'}${bounds.join(',')}`;
    }
    case 'string':
      return 'text';
    case 'boolean':
      return 'true | false';
    case 'enum':
      return Object.values(definition.entries ?? {})
        .map((value) => JSON.stringify(value))
        .join(' | ');
    case 'literal':
      return (definition.values ?? []).map((value) => JSON.stringify(value)).join(' | ');
    case 'array':
      return `list of ${definition.element ? typeName(definition.element) : 'values'}`;
    case 'union':
      return [...new Set((definition.options ?? []).map(typeName))].join(' | ');
    case 'object':
      return 'options';
    case 'record':
      return `map to ${definition.valueType ? typeName(definition.valueType) : 'values'}`;
    default:
      return definition.type;
  }
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
