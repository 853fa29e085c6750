/** What the system says of files and folders, in words that a user can act on. */
import { TenetError } from './error.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; choose another place, or change who may read and write there',
  EPERM: 'not permitted; choose another place, or change who may read and write there',
  EROFS: 'the file system is read-only; choose another place',
  ENOTDIR: 'a part of this path is a file, and a folder is needed; choose another place',
  EISDIR: 'it is a folder, and a file is needed; give the path of a file',
  ENAMETOOLONG: 'the name is too long for the file system; choose a shorter one',
};

/**
 * The error as TenetError('usage') where a path that the user chose cannot be used: it may not be read or written, or is
 * a file in the place of a folder. Any other error is returned as it is.
 */
export function explainFileError(error: unknown): unknown {
  if (!(error instanceof Error) || TenetError.is(error)) return error;
  const { code = '', syscall, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  // A file that is replaced whole is written beside its place under a name of its own, and renamed to `dest`.
  const place = (dest ?? path)?.replace(/\.[0-9a-f]{12}\.tmp$/, '');
  if (place === undefined) return error;
  const reason =
    code === 'EEXIST' && syscall === 'mkdir'
      ? 'it is a file, and a folder is needed; choose another place'
      : Object.hasOwn(reasons, code)
        ? reasons[code]
        : null;
  if (reason === null) return error;
  return new TenetError('usage', `${place}: ${reason}.`, { details: { path: place, code }, cause: error });
}
