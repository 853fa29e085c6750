/** Reads what a recipe's data source names: a file's records, or the sandbox world's. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { hashFile, hashOf, TenetError } from '../base/index.ts';
import { type Example, examplesOf, groupKey, parseTranscript, readRecords } from '../data/index.ts';
import { corpusTexts, demonstrations, prompts } from '../sandbox/index.ts';
import { readSelectionFile } from '../store/index.ts';
import type { InputRecord } from './manifest.ts';
import type { DataSource } from './run-recipe.ts';

export interface LoadedData {
  readonly examples: readonly Example[];
  /** What was read, for the manifest: one entry per file. */
  readonly inputs: readonly InputRecord[];
}

/** How many records the sandbox makes when the recipe does not say. */
const sandboxDefaults = { corpus: 20_000, demonstrations: 2000, prompts: 1000 } as const;

/**
 * @param options.purpose what the run uses it for, e.g. `sft data`
 * @param options.folder  where bad rows are written with `onBadRow: skip`
 * @param options.lines   true: each line of a .txt file is a prompt. Default false: the file is one text
 * @throws TenetError('data') naming all bad rows, or when there is no record
 */
export async function loadData(
  source: DataSource,
  options: {
    readonly purpose: string;
    readonly folder: string;
    readonly seed: number;
    readonly lines?: boolean;
  },
): Promise<LoadedData> {
  if (source.path === undefined) return loadSandbox(source, options);
  const paths = typeof source.path === 'string' ? [source.path] : source.path;
  const names = distinctNames(paths);
  const examples: Example[] = [];
  const inputs: InputRecord[] = [];
  for (const [i, path] of paths.entries()) {
    const left = source.limit === undefined ? undefined : source.limit - examples.length;
    if (left !== undefined && left <= 0) break;
    const purpose = paths.length === 1 ? options.purpose : `${options.purpose} (${names[i]})`;
    const file = await loadFile(path, source, { ...options, purpose, name: names[i], limit: left });
    for (const example of file.examples) examples.push(example);
    inputs.push(file.input);
  }
  return { examples, inputs };
}

/** What tells the files apart: the name of each, with as many folders before it as that takes. */
function distinctNames(paths: readonly string[]): string[] {
  const others = new Set(paths);
  const endOf = (path: string, length: number): string => path.split(sep).slice(-length).join('/');
  return paths.map((path) => {
    let length = 1;
    const isShared = (): boolean =>
      [...others].some((other) => other !== path && endOf(other, length) === endOf(path, length));
    while (isShared() && length < path.length) length++;
    return endOf(path, length);
  });
}

async function loadFile(
  path: string,
  { onBadRow, trees }: Pick<DataSource, 'onBadRow' | 'trees'>,
  options: { purpose: string; name: string; folder: string; limit: number | undefined; lines?: boolean },
): Promise<{ examples: Example[]; input: InputRecord }> {
  const { purpose, name, folder, limit } = options;
  const records = readRecords(path, {
    onBadRow,
    trees,
    ...(options.lines && /\.txt(\.gz)?$/.test(path) && { format: 'prompt-only' as const }),
    ...(onBadRow === 'skip' && { badRowsPath: join(folder, `bad-rows-${name.replaceAll('/', '-')}.jsonl`) }),
  });
  const examples: Example[] = [];
  for await (const { record, format } of records) {
    examples.push(...examplesOf(record, format));
    if (limit !== undefined && examples.length >= limit) break;
  }
  if (examples.length === 0) {
    throw new TenetError(
      'data',
      `${path} holds no usable record for the ${purpose}; check it with "tenet data check ${path}".`,
    );
  }
  const { size } = await stat(path);
  const { badRows } = records.summary;
  const used = limit === undefined ? examples : examples.slice(0, limit);
  const hash = await hashFile(path);
  const labels = await readSelectionFile(path, hash);
  return {
    examples: used,
    input: {
      kind: 'data',
      name: purpose,
      path,
      hash,
      bytes: size,
      rows: used.length,
      ...(badRows > 0 && { skippedRows: badRows }),
      ...(labels !== null && { labels }),
    },
  };
}

function loadSandbox(source: DataSource, { purpose, seed }: { purpose: string; seed: number }): LoadedData {
  const kind = source.sandbox as keyof typeof sandboxDefaults;
  const count = source.limit ?? sandboxDefaults[kind];
  const examples = makeSandbox(source, kind, count, seed);
  const hash = createHash('sha256');
  for (const example of examples) hash.update(JSON.stringify(example));
  return {
    examples,
    inputs: [
      {
        kind: 'data',
        name: purpose,
        path: `sandbox:${kind}${kind === 'prompts' ? `/${source.split}` : ''}`,
        hash: hashOf(hash.digest()),
        rows: examples.length,
        note: `made by the sandbox world with seed ${seed}`,
      },
    ],
  };
}

function makeSandbox(
  { split, exchanges }: DataSource,
  kind: keyof typeof sandboxDefaults,
  count: number,
  seed: number,
): Example[] {
  if (kind === 'corpus') return Array.from(corpusTexts(count, { seed, exchanges }), corpusExample);
  if (kind === 'demonstrations') {
    return demonstrations(count, { seed }).map(({ prompt, completion }) => ({
      kind: 'completion',
      prompt,
      completion,
    }));
  }
  return prompts(count, split, { seed }).map(({ text }) => ({ kind: 'prompt', prompt: text }));
}

/** Dialogues of the corpus become conversations, so that pre-training shows the layout that later stages use. */
function corpusExample(text: string): Example {
  if (!text.startsWith('Human: ')) return { kind: 'text', text };
  return { kind: 'chat', messages: parseTranscript(`\n\n${text}`) };
}

/**
 * Keeps a share of examples for measuring; examples that share their prompt stay together. Which ones depends
 * on the prompts and the seed alone, not on their order.
 */
export function holdOut<E extends Example>(
  examples: readonly E[],
  share: number,
  seed: number,
): { readonly train: E[]; readonly heldOut: E[] } {
  const train: E[] = [];
  const heldOut: E[] = [];
  for (const example of examples) {
    const digest = createHash('sha256')
      .update(`${seed}\n${groupKey(example)}`)
      .digest();
    (digest.readUInt32BE(0) / 2 ** 32 < share ? heldOut : train).push(example);
  }
  if (train.length === 0) {
    throw new TenetError(
      'data',
      `Holding out ${100 * share} % leaves nothing to train on (${examples.length} examples, all with one prompt?); set heldOut: 0.`,
    );
  }
  return { train, heldOut };
}
