/** Whether a response is JSON, and of a given schema. */
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';

export type JsonVerdict = 'none' | 'parses' | 'fits';

/**
 * @param schema JSON Schema (draft 2020-12, 7 or 4); null = any JSON fits
 * @returns a check of responses: a JSON value alone, or in one code fence
 * @throws TenetError('usage') for a schema that cannot be used, such as one with references to other files
 */
export function jsonCheck(
  schema: Readonly<Record<string, unknown>> | null,
): (response: string) => JsonVerdict {
  const validator = schema === null ? z.unknown() : validatorOf(schema);
  return (response) => {
    const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/i.exec(response);
    let value: unknown;
    try {
      value = JSON.parse(fenced?.[1] ?? response);
    } catch {
      return 'none';
    }
    return validator.safeParse(value).success ? 'fits' : 'parses';
  };
}

function validatorOf(schema: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (cause) {
    throw new TenetError('usage', `The JSON Schema of a reward cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}
