/** Reads examples of several data files for a command. */
import type { Example } from '../data/index.ts';

/**
 * @param limit at most so many altogether
 * @throws TenetError('data') naming all bad rows of a file, or when there is nothing in the files
 */
export async function readExamples(
  paths: readonly string[],
  limit = Number.POSITIVE_INFINITY,
): Promise<Example[]> {
  const [{ examplesOf, readRecords }, { TenetError }] = await Promise.all([
    import('../data/index.ts'),
    import('../base/error.ts'),
  ]);
  const examples: Example[] = [];
  for (const path of paths) {
    const isText = /\.txt(\.gz)?$/.test(path); // each line a prompt
    for await (const { record, format } of readRecords(path, isText ? { format: 'prompt-only' } : {})) {
      examples.push(...examplesOf(record, format));
      if (examples.length >= limit) break;
    }
    if (examples.length >= limit) break;
  }
  if (examples.length === 0) throw new TenetError('data', `${paths.join(', ')}: there are no records.`);
  return examples.slice(0, limit);
}
