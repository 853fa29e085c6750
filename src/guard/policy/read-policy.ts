/** Reads a policy file, and says what is wrong with it by line. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { nearest, TenetError } from '../../base/index.ts';
import { nameOfPath, parseYaml, placeAt, type Source, type SourceProblem } from '../../constitution/index.ts';
import { type GuardPolicy, type GuardPolicyInput, policySchema } from './policy.ts';

/**
 * @param file YAML or JSON
 * @throws TenetError('usage') that names every problem with its line
 */
export async function readPolicy(file: string): Promise<GuardPolicy> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new TenetError('usage', `The policy ${file} cannot be read: ${why}.`, { cause: error });
  }
  return parsePolicy(text, file);
}

/** @param file for messages */
export function parsePolicy(text: string, file: string): GuardPolicy {
  const source = parseYaml(text, file);
  if (source.problems.length > 0) throw refusal(file, source.problems);
  const parsed = policySchema.safeParse(source.value);
  if (!parsed.success)
    throw refusal(
      file,
      parsed.error.issues.flatMap((issue) => problemsOf(issue, source, file)),
    );
  const names = new Map<string, number>();
  for (const [i, { name }] of parsed.data.rules.entries()) {
    const first = names.get(name);
    if (first !== undefined) {
      const place = placeAt(source, ['rules', i, 'name'], file);
      throw refusal(file, [
        { place, message: `rules[${i}].name: "${name}" is the name of rules[${first}] already` },
      ]);
    }
    names.set(name, i);
  }
  return parsed.data;
}

/** A policy from options in code, with its defaults. @throws TenetError('usage') */
export function toPolicy(options: GuardPolicyInput = {}): GuardPolicy {
  const parsed = policySchema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new TenetError(
    'usage',
    `The guard's policy is not as it should be:\n${z.prettifyError(parsed.error)}`,
  );
}

function refusal(file: string, problems: readonly SourceProblem[]): TenetError {
  const lines = problems.map(({ place, message }) => `  ${place}: ${message}`);
  return new TenetError('usage', `The policy ${file} cannot be used:\n${lines.join('\n')}`, {
    details: { problems },
  });
}

function problemsOf(issue: z.core.$ZodIssue, source: Source, file: string): SourceProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const guess = nearest(key, known);
      const hint = guess ? `did you mean "${guess}"?` : `known: ${known.join(', ')}`;
      const where = nameOfPath(path) || 'the policy';
      return {
        place: placeAt(source, [...path, key], file),
        message: `unknown field "${key}" in ${where}; ${hint}`,
      };
    });
  }
  const value = valueAt(source.value, path);
  const name = nameOfPath(path) || 'the policy';
  return [{ place: placeAt(source, path, file), message: `${name} ${ruleOf(issue, value)}` }];
}

function ruleOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is missing';
  const found = JSON.stringify(value) ?? String(value);
  const shown = found.length > 60 ? `${found.slice(0, 57)}…` : found;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}; it is ${shown}`;
    case 'invalid_value':
      return `must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ')}; it is ${shown}`;
    case 'too_small':
      return `must ${issue.origin === 'string' ? 'not be empty' : `be at least ${issue.minimum}`}; it is ${shown}`;
    case 'too_big':
      return `must be at most ${issue.maximum}; it is ${shown}`;
    case 'invalid_union':
      return `must be a whole number from 0, or "all"; it is ${shown}`;
    case 'invalid_format':
      return issue.format === 'starts_with'
        ? `must begin with "/"; it is ${shown}`
        : `${issue.message}; it is ${shown}`;
    default:
      return `${issue.message}; it is ${shown}`;
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map',
};

/** The fields that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: z.ZodType | undefined = policySchema;
  for (const step of path) {
    const { shape, element } = inner(schema) as { shape?: Record<string, z.ZodType>; element?: z.ZodType };
    schema = typeof step === 'number' ? element : shape?.[String(step)];
  }
  return Object.keys((inner(schema) as { shape?: object }).shape ?? {});
}

/** A schema without its default and its leave to be missing. */
function inner(schema: z.ZodType | undefined): object {
  let at = schema;
  while ((at?.def as { innerType?: z.ZodType } | undefined)?.innerType)
    at = (at!.def as { innerType?: z.ZodType }).innerType;
  return at ?? {};
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}
