/** A guard by its name. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TenetError } from '../base/index.ts';
import type { OpenClassifierOptions } from './classifier/classifier-guard.ts';
import { keywordGuard } from './keywords.ts';
import type { GuardModel } from './screen.ts';

export interface OpenGuardOptions extends OpenClassifierOptions {
  /** A guard that is open already, given for its folder; closing what it is given to closes it. */
  readonly opened?: GuardModel & { readonly folder: string };
}

/**
 * @param name    `keywords`, or the folder of a guard that `tenet guard train` made
 * @param options of a folder's guard
 * @throws TenetError('usage') for neither; TenetError('model') for a folder that holds no guard
 */
export async function openGuard(
  name: string,
  { opened, ...options }: OpenGuardOptions = {},
): Promise<GuardModel> {
  const folder = await guardFolder(name);
  if (folder === null) return keywordGuard();
  if (opened && resolve(folder) === opened.folder) return opened;
  // The engine is loaded only where it is needed.
  const { openClassifierGuard } = await import('./classifier/open-classifier-guard.ts');
  return openClassifierGuard(folder, options);
}

/**
 * The folder that a guard's name stands for; null for `keywords`.
 * @throws TenetError('usage') for what is neither
 */
export async function guardFolder(name: string): Promise<string | null> {
  if (name === 'keywords') return null;
  const isFolder = await stat(name).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return name;
  throw new TenetError(
    'usage',
    `There is no guard ${JSON.stringify(name)}: give keywords, or the folder of a guard that "tenet guard train" made.`,
  );
}
