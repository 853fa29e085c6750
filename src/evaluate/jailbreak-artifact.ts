/**
 * Files of JailbreakBench: one JSON object each, laid out over many lines.
 * @see Chao et al. 2024, arXiv:2404.01318
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TenetError } from '../base/index.ts';

/** @throws TenetError('data') for a file that is none */
export async function readArtifact<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const content = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new TenetError('data', `${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TenetError('data', `${path} is no artifact of JailbreakBench:\n${z.prettifyError(parsed.error)}`);
}
