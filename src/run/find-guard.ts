/** Finds the folder of a guard where a run folder or a guard's folder may be given. */
import { join } from 'node:path';
import { exists, TenetError } from '../base/index.ts';
import { readManifest } from './manifest.ts';
import type { StageResult } from './stages/stage-run.ts';

/**
 * @param source the folder of a run with a guard stage, whose newest guard is meant; anything else stays as it is
 * @throws TenetError('usage') for a run that has made no guard
 */
export async function findGuard(source: string): Promise<string> {
  if (!(await exists(join(source, 'manifest.json')))) return source;
  const { name, status, stages } = await readManifest(source);
  const made = stages.flatMap(({ results }) => (results as StageResult | undefined)?.model ?? []);
  const guard = made.findLast(({ head }) => head === 'guard');
  if (guard) return join(source, guard.folder);
  throw new TenetError(
    'usage',
    `run ${name} has made no guard (${status}); a recipe makes one with a stage of type guard.`,
  );
}
