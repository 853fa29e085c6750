/** Where a training of a guard keeps what it needs to be resumed: beside the guard that it makes. */
import { mkdir, rm } from 'node:fs/promises';
import { TenetError } from '../../base/index.ts';
import { newestCheckpoint } from '../../train/index.ts';

/**
 * Makes the place ready, empty unless the training goes on.
 * @param output the guard's folder
 * @throws TenetError('usage') where an unfinished training would be lost unasked
 */
export async function openWorkplace(
  output: string,
  { resume = false, overwrite = false }: { readonly resume?: boolean; readonly overwrite?: boolean },
): Promise<string> {
  const workplace = `${output.replace(/\/+$/, '')}.training`;
  await mkdir(workplace, { recursive: true });
  if (resume) return workplace;
  const step = await newestCheckpoint(workplace);
  if (step !== null && !overwrite) {
    throw new TenetError(
      'usage',
      `${workplace} holds a training that was stopped after step ${step}. Go on with it by --resume, or begin anew with ` +
        '--overwrite.',
      { details: { workplace, step } },
    );
  }
  await rm(workplace, { recursive: true });
  await mkdir(workplace);
  return workplace;
}
