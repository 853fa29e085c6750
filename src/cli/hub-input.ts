/** Names on the Hub where the command line takes files. */
import type { HubOptions } from '../hub/index.ts';

/** The file itself, or the cache's copy of the one file of a data set on the Hub. */
export async function localFile(name: string): Promise<string> {
  if (!name.startsWith('hub:')) return name;
  const [{ fetchHubData }, { TenetError }] = await Promise.all([
    import('../hub/index.ts'),
    import('../base/index.ts'),
  ]);
  const { files } = await fetchHubData(name, hubProgress());
  if (files.length === 1) return files[0];
  const list = files.map((file) => `\n  ${file}`).join('');
  throw new TenetError('usage', `${name} stands for ${files.length} files, and one is needed:${list}`);
}

/** The folder itself, or that of a model on the Hub in the cache. */
export async function localModel(name: string): Promise<string> {
  if (!name.startsWith('hub:')) return name;
  const { fetchHubModel } = await import('../hub/index.ts');
  return (await fetchHubModel(name, hubProgress())).folder;
}

/** Says on standard error what is being fetched: a line for each file. */
export function hubProgress(): HubOptions {
  const told = new Set<string>();
  return {
    onProgress: ({ path, size }) => {
      if (told.has(path)) return;
      told.add(path);
      const shown =
        size < 1e6 ? `${Math.ceil(size / 1000)} kB` : `${(size / 1e6).toFixed(size < 1e7 ? 1 : 0)} MB`;
      process.stderr.write(`fetching ${path} (${shown})\n`);
    },
  };
}
