/** Streams the rows of a data file of any container: JSON Lines, JSON array, CSV, TSV, plain text; gzip of each; Parquet. */
import { TenetError } from '../base/index.ts';
import { isParquet, readParquet } from './parquet-read.ts';
import type { RawRow } from './raw-row.ts';
import { readBytes } from './read-bytes.ts';
import { readCsv } from './read-csv.ts';
import { readJsonArray } from './read-json-array.ts';
import { readJsonl, withoutMark } from './read-jsonl.ts';
import { readTextBlocks, readTextLines } from './read-text.ts';

/** How the rows are laid out in a file. */
export type Container = 'jsonl' | 'json' | 'csv' | 'tsv' | 'text' | 'parquet';

/** Containers that can be read from front to back. */
type StreamedContainer = Exclude<Container, 'parquet'>;

const BY_EXTENSION: Readonly<Record<string, StreamedContainer | 'sniff'>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'sniff', // many files named .json hold JSON Lines
  csv: 'csv',
  tsv: 'tsv',
  txt: 'text',
  text: 'text',
  md: 'text',
};

export interface OpenRowsOptions {
  /** True: plain text is a list of prompts, one a line. Default false: it is one text. */
  readonly linesArePrompts?: boolean;
  /** Names under which columns will be read, as in `ReadOptions`; the rows still have their own. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Opens a file and finds out its container, by its first bytes and its name. */
export async function openRows(
  path: string,
  options: OpenRowsOptions = {},
): Promise<{ container: Container; rows: AsyncGenerator<RawRow, void, undefined> }> {
  const bytes = readBytes(path);
  const first = await bytes.next();
  const head: Buffer = first.done ? Buffer.alloc(0) : first.value;
  if (isParquet(head)) {
    await bytes.return();
    return { container: 'parquet', rows: readParquet(path) };
  }
  const container = containerOf(path, head);
  return {
    container,
    rows: readersOf(container, startingWith(head, bytes), options),
  };
}

function containerOf(path: string, head: Buffer): StreamedContainer {
  const name = path.toLowerCase().replace(/\.gz(ip)?$/, '');
  const extension = /\.([a-z]+)$/.exec(name)?.[1] ?? '';
  if (extension === 'parquet') {
    throw new TenetError(
      'data',
      `${path}: not a Parquet file${head.length === 0 ? ', it is empty' : ''} (it does not begin with PAR1); get the file again.`,
    );
  }
  const container = BY_EXTENSION[extension] ?? 'sniff';
  if (container !== 'sniff') return container;
  const start = withoutMark(head).subarray(0, 4096).toString('utf8').trimStart()[0];
  if (start === '[') return 'json';
  if (start === '{' || (start === undefined && extension === 'json')) return 'jsonl';
  throw new TenetError(
    'data',
    `${path}: unknown kind of file. Known are .jsonl, .json, .csv, .tsv and .txt, each also as .gz, and .parquet.`,
  );
}

function readersOf(
  container: StreamedContainer,
  bytes: AsyncGenerator<Buffer, void, undefined>,
  { linesArePrompts = false, fields = {} }: OpenRowsOptions,
): AsyncGenerator<RawRow, void, undefined> {
  const names = new Map(Object.entries(fields).map(([name, column]) => [column, name]));
  const fieldOf = (column: string): string => names.get(column) ?? column;
  switch (container) {
    case 'jsonl':
      return readJsonl(bytes);
    case 'json':
      return readJsonArray(bytes);
    case 'csv':
      return readCsv(bytes, ',', fieldOf);
    case 'tsv':
      return readCsv(bytes, '\t', fieldOf);
    case 'text':
      return linesArePrompts ? readTextLines(bytes) : readTextBlocks(bytes);
  }
}

async function* startingWith(
  head: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (head.length > 0) yield head;
    yield* rest;
  } finally {
    await rest.return();
  }
}
