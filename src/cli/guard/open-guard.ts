/** The guard that a command names. */
import { stat } from 'node:fs/promises';
import { TenetError } from '../../base/index.ts';
import { type GuardModel, keywordGuard } from '../../guard/index.ts';

/**
 * @param name `keywords`, or the folder of a guard
 * @throws TenetError('usage') for neither
 */
export async function openGuard(name: string): Promise<GuardModel> {
  if (name === 'keywords') return keywordGuard();
  const isFolder = await stat(name).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new TenetError(
      'usage',
      `There is no guard ${JSON.stringify(name)}: give --guard keywords, or the folder of a guard that "tenet guard train" made.`,
    );
  }
  throw new TenetError('usage', `${name} holds no guard.`);
}
