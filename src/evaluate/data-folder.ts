/** Finds and reads the published data files of suites. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { exists, TenetError } from '../base/index.ts';
import { openRows } from '../data/index.ts';

export class DataFolder {
  readonly path: string;

  /** @param path a folder that holds the files, each at its own path or directly */
  constructor(path: string) {
    this.path = path;
  }

  /** The path of a file, or null when it is not there. `evaluation/persona/` finds all data files of a folder. */
  async find(name: string): Promise<string[]> {
    for (const candidate of [join(this.path, name), join(this.path, basename(name))]) {
      if (!(await exists(candidate))) continue;
      if (!name.endsWith('/')) return [candidate];
      const files = (await readdir(candidate)).filter((file) => /\.(jsonl|json|csv)(\.gz)?$/.test(file));
      return files.sort().map((file) => join(candidate, file));
    }
    return [];
  }

  /** All of the files that are there. @throws TenetError('usage') when there is none */
  async findSome(names: readonly string[], suite: string): Promise<string[]> {
    const found = (await Promise.all(names.map((name) => this.find(name)))).flat();
    if (found.length > 0) return found;
    throw new TenetError(
      'usage',
      `Suite ${suite}: ${this.path} has none of ${names.join(', ')}. Give the folder that holds them: --data FOLDER. ` +
        'Where the files are to be had stands in docs/evaluation.md.',
    );
  }
}

/**
 * Reads all rows of a file.
 * @throws TenetError('data') naming the first rows that do not fit the schema
 */
export async function readAll<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const { rows } = await openRows(path);
  const found: T[] = [];
  const problems: string[] = [];
  for await (const { line, value, error } of rows) {
    const parsed = error === undefined ? schema.safeParse(value) : null;
    if (parsed?.success) found.push(parsed.data);
    else {
      const first = parsed?.error.issues[0];
      problems.push(`line ${line}: ${error ?? `${first?.path.join('.') || 'row'}: ${first?.message}`}`);
    }
  }
  if (problems.length > 0) {
    throw new TenetError(
      'data',
      `${path}: ${problems.length} of ${problems.length + found.length} rows cannot be used:\n  ${problems.slice(0, 5).join('\n  ')}`,
      { details: { path } },
    );
  }
  if (found.length === 0) throw new TenetError('data', `${path} has no rows.`);
  return found;
}
