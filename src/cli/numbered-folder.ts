/** Run folders that are numbered instead of refused when one of the name is there: `path`, `path-2`, `path-3` … */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The first of the names that is free. */
export function freeFolder(path: string): string {
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? path : `${path}-${i}`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** The run of one of the names that was written to last; `path` where there is none. */
export function newestRun(path: string): string {
  const [folder, name] = [dirname(path), basename(path)];
  const numbered = (entry: string): boolean =>
    entry === name || (entry.startsWith(`${name}-`) && /^[1-9]\d*$/.test(entry.slice(name.length + 1)));
  const entries = existsSync(folder) ? readdirSync(folder).filter(numbered) : [];
  const runs = entries.flatMap((entry) => {
    const manifest = statSync(join(folder, entry, 'manifest.json'), { throwIfNoEntry: false });
    return manifest ? [{ path: join(folder, entry), writtenAt: manifest.mtimeMs }] : [];
  });
  return runs.toSorted((a, b) => b.writtenAt - a.writtenAt)[0]?.path ?? path;
}
