/** Rules between options, which a schema of single options cannot say: one list for recipes and for library users. */
import type { z } from 'zod';
import { TenetError } from '../base/index.ts';

/** One option that does not go with the others. */
export interface OptionProblem {
  readonly option: string;
  /** Continues a sentence that begins with the option and its value: `must be a multiple of …`. */
  readonly rule: string;
}

export type OptionRules<T> = (options: T) => OptionProblem[];

/** @throws TenetError('usage') naming all options that break a rule */
export function refuseOptions<T extends object>(stage: string, options: T, rules: OptionRules<T>): void {
  const problems = rules(options).map(({ option, rule }) => {
    const value = (options as Readonly<Record<string, unknown>>)[option];
    return `${option} (${JSON.stringify(value)}) ${rule}`;
  });
  if (problems.length)
    throw new TenetError('usage', `${stage}: ${problems.join('; ')}`, { details: { problems } });
}

/** A schema that also checks the rules, so that a recipe is refused before anything runs. */
export function withRules<S extends z.ZodObject>(schema: S, rules: OptionRules<z.output<S>>): S {
  return schema.superRefine((options, context) => {
    for (const { option, rule } of rules(options as z.output<S>)) {
      context.addIssue({ code: 'custom', path: [option], message: rule });
    }
  });
}
