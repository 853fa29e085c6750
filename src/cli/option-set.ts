/** `--set option=value` for commands whose options have a schema of their own, and the help that goes with it. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { collect } from './flag-values.ts';

/** Commands that have it; their schemas are exports of the constitution's folder. */
const schemas = { critique: 'critiqueOptions', compare: 'comparisonOptions' } as const;

/** Help on the options of each, filled by `loadOptionsHelp`. */
const optionsText = new Map<keyof typeof schemas, string>();

/** Adds the flag and its help. @param example an override that makes sense for this command */
export function withSetFlag(command: Command, name: keyof typeof schemas, example: string): Command {
  return command
    .option('-s, --set <option=value>', `change an option, such as ${example}; may be repeated`, collect)
    .addHelpText('after', () => optionsText.get(name) ?? '');
}

/** The options with their defaults and what was set. @throws TenetError('usage') naming all that is wrong */
export async function parseSet<T>(
  command: string,
  schema: z.ZodType<T>,
  set: readonly string[] = [],
): Promise<T> {
  const { parseRecipe } = await import('../run/recipe.ts');
  return parseRecipe('{}', { schema, set, file: `tenet ${command}`, folder: '.' }).value;
}

/**
 * Writes the help from the schemas. Commander wants help text at once and the schemas are too heavy to be loaded at
 * every start, so this comes first when help is asked for.
 */
export async function loadOptionsHelp(): Promise<void> {
  const [{ optionsHelp }, library] = await Promise.all([
    import('../run/describe-options.ts'),
    import('../constitution/index.ts'),
  ]);
  const width = Math.min(process.stdout.columns ?? 100, 110);
  for (const [name, schema] of Object.entries(schemas)) {
    const help = optionsHelp(library[schema], width);
    optionsText.set(name as keyof typeof schemas, `\nOptions for --set:\n${help}`);
  }
}
