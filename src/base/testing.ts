/** Helpers for tests only; nothing in the library imports this file. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, whether this file runs from `src/` or from the build. */
const repository: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * The absolute path of a real data file kept beside the checkout, or null where that data is absent, so
 * that a test can say `it.skipIf(path === null)`.
 * @param path relative to the data folder, e.g. `tokenizers/bpe-training-fixture`.
 */
export function sharedData(path: string): string | null {
  const absolute = join(repository, '../shared/data', path);
  return existsSync(absolute) ? absolute : null;
}
