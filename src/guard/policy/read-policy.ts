/** Reads a policy file, and says what is wrong with it by line. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';
import {
  parseYaml,
  placeAt,
  type SchemaWords,
  type SourceProblem,
  schemaProblems,
} from '../../constitution/index.ts';
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
  if (!parsed.success) throw refusal(file, schemaProblems(parsed.error.issues, source, file, words));
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

const words: SchemaWords = {
  schema: policySchema,
  whole: 'the policy',
  say: (issue, _, shown) => {
    if (issue.code === 'too_small' && issue.origin === 'string') return `must not be empty; it is ${shown}`;
    if (issue.code === 'invalid_union') return `must be a whole number from 0, or "all"; it is ${shown}`;
    if (issue.code !== 'invalid_format' || issue.format !== 'starts_with') return null;
    return `must begin with "/"; it is ${shown}`;
  },
};
