/** Turns what zod finds wrong with a recipe into messages that say the value, the rule and the fix. */
import type { z } from 'zod';
import { nearest } from '../base/index.ts';
import { type RecipeProblem, type RecipeSource, unknownKey } from './recipe-source.ts';
import {
  childOf,
  coreOf,
  defaultOf,
  definitionOf,
  descriptionOf,
  knownKeys,
  type Path,
  type Schema,
  walk,
} from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

/** All problems of a recipe's data under a schema, in the order of the data. */
export function problemsOf(schema: Schema, source: RecipeSource, issues: readonly Issue[]): RecipeProblem[] {
  const problems: RecipeProblem[] = [];
  // Unknown keys are found here and not by zod, so that schemas that would drop them silently refuse them too.
  walk(schema, source.value, (at, value, path) => {
    const known = knownKeys(at, value);
    if (!known || typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      problems.push({
        place: source.place(path, key),
        message: unknownKey(key, known, nameOf(path) || 'the recipe'),
      });
    }
  });
  for (const issue of issues) problems.push(...problemsOfIssue(schema, source, issue, []));
  return problems;
}

function problemsOfIssue(schema: Schema, source: RecipeSource, issue: Issue, prefix: Path): RecipeProblem[] {
  const path = [...prefix, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys') return [];
  if (issue.code === 'invalid_union' && !issue.discriminator) {
    const branches = issue.errors.filter((branch) => branch.every((inner) => inner.path.length > 0));
    // One branch fits in kind: what is wrong inside it is what the user wants to know.
    if (branches.length === 1)
      return branches[0].flatMap((inner) => problemsOfIssue(schema, source, inner, path));
  }
  const value = valueAt(source.value, path);
  const target = schemaAt(schema, source.value, path);
  const name = nameOf(path) || 'the recipe';
  const description = target && descriptionOf(target);
  const about = description ? ` (${firstSentence(description)})` : '';
  return [{ place: source.place(path), message: `${name}${about} ${ruleOf(issue, value, target)}` }];
}

/** What the rule is and which value broke it; continues a sentence that begins with the option's name. */
function ruleOf(issue: Issue, value: unknown, target: Schema | undefined): string {
  const is = value === undefined ? 'is missing' : value === null ? 'is empty' : `is ${show(value)}`;
  const instead = target && defaultOf(target);
  const fix = value === null && instead ? `; leave the key out for the default ${show(instead.value)}` : '';
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return `${is}: ${issue.message}`; // the schema's own text
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? `is required and missing; it must be ${article(issue.expected)}.`
        : `must be ${article(issue.expected)}, ${is}${fix}.`;
    case 'too_small':
      return `must ${bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum)}, ${is}${fix}.`;
    case 'too_big':
      return `must ${bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum)}, ${is}${fix}.`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}, ${is}.`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}, ${is}${suggestion(value, issue.values)}${fix}.`;
    case 'invalid_union': {
      const tags = issue.discriminator && target ? discriminatorValues(target, issue.discriminator) : [];
      if (tags.length > 0) return `must be ${oneOf(tags)}, ${is}${suggestion(value, tags)}.`;
      const kinds = issue.errors.flat().flatMap((inner) => {
        if (inner.code === 'invalid_type') return [article(inner.expected)];
        return inner.code === 'invalid_value' ? [oneOf(inner.values)] : [];
      });
      return `must be ${[...new Set(kinds)].join(' or ') || 'another kind of value'}, ${is}${fix}.`;
    }
    default:
      return `${is}: ${issue.message}.`;
  }
}

function discriminatorValues(schema: Schema, key: string): unknown[] {
  return (definitionOf(schema).options ?? []).flatMap((option) => {
    const tag = definitionOf(option).shape?.[key];
    return tag ? (definitionOf(tag).values ?? []) : [];
  });
}

function schemaAt(schema: Schema, root: unknown, path: Path): Schema | undefined {
  let [at, value]: [Schema | undefined, unknown] = [schema, root];
  for (const step of path) {
    const child: Schema | undefined = at && childOf(at, value, step);
    if (!child) {
      const core = at && coreOf(at); // the union itself, where its tag names none of the options
      return core && definitionOf(core).discriminator === step ? core : undefined;
    }
    [at, value] = [child, (value as Record<string | number, unknown> | undefined)?.[step]];
  }
  return at;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) value = (value as Record<string | number, unknown> | null | undefined)?.[step];
  return value;
}

/** `stages[2].klCoef` */
function nameOf(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i > 0 ? `.${step}` : step)).join('');
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function article(expected: string): string {
  const words: Record<string, string> = {
    number: 'a number',
    int: 'a whole number',
    string: 'text',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map of options',
    record: 'a map',
    null: 'empty',
  };
  return words[expected] ?? expected;
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${relation} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array' || origin === 'set')
    return `have ${relation} ${limit} item${limit === 1 ? '' : 's'}`;
  return `be ${relation} ${limit}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? show(values[0]) : `one of ${values.map((value) => show(value)).join(', ')}`;
}

function suggestion(value: unknown, values: readonly unknown[]): string {
  if (typeof value !== 'string') return '';
  const guess = nearest(value, values.map(String));
  return guess === undefined ? '' : ` (did you mean "${guess}"?)`;
}

/** Of a description: where a default comes from, and further sentences, do not help here. */
function firstSentence(description: string): string {
  const text = description.replace(/\s*\([^()]*\)/g, '');
  const sentence = /^.*?[.;](?=\s|$)/s.exec(text)?.[0].slice(0, -1) ?? text;
  return sentence.length > 110 ? `${sentence.slice(0, 107)}…` : sentence;
}
