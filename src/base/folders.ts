/** Folders that appear whole: written beside their place, flushed, then renamed into it. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from './files.ts';

/**
 * Fills a folder so that a reader, or a crash at any moment, finds either the old one or the new one.
 *
 * The new content is written to `<folder>.new`; an existing folder steps aside to `<folder>.old` for the
 * moment between two renames and is deleted afterwards. A crash in that moment is undone by
 * `recoverFolder`, which runs here first and should run before reading. One writer at a time.
 * @param fill writes the files into the (empty) folder it is given, each flushed to disk.
 */
export async function replaceFolder(
  folder: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  await recoverFolder(target);
  const temporary = `${target}.new`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await fill(temporary);
    await syncFolder(temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  const old = `${target}.old`;
  if (await folderExists(target)) await rename(target, old);
  await rename(temporary, target);
  await syncFolder(dirname(target));
  await rm(old, { recursive: true, force: true });
}

/** Puts back the old folder if a replacement was cut off between its two renames; else does nothing. */
export async function recoverFolder(folder: string): Promise<void> {
  const target = resolve(folder);
  const old = `${target}.old`;
  if (!(await folderExists(old))) return;
  if (await folderExists(target)) await rm(old, { recursive: true, force: true });
  else await rename(old, target);
}

async function folderExists(path: string): Promise<boolean> {
  try {
    await readdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
