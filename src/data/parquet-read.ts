/** Reads the rows of a Parquet file, one row group in memory at a time. */
import { type FileHandle, open } from 'node:fs/promises';
import { TextDecoder } from 'node:util';
import type { AsyncBuffer, Compressors } from 'hyparquet';
import { TenetError } from '../base/index.ts';
import type { RawRow } from './raw-row.ts';

/** What a Parquet file begins with. */
const MAGIC = 'PAR1';

/** Keeps a byte-order mark that a text begins with, which hyparquet takes away. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** True when a file that begins so is Parquet, whatever its name says. */
export function isParquet(head: Buffer): boolean {
  return head.subarray(0, 4).toString('latin1') === MAGIC;
}

/**
 * The rows as the JSON values that the same rows would be in JSON Lines, with everything that a column format adds
 * taken away again: fields that are null are left out (every row has every column, and every struct every field), whole
 * numbers of 64 bits become numbers (texts, where a number cannot hold them), times texts in ISO 8601, bytes base64.
 * Null in a list stays: there it has a place. All compressions that Parquet knows can be read, besides LZO.
 * @throws TenetError('data') when the file is incomplete or damaged
 */
export async function* readParquet(path: string): AsyncGenerator<RawRow, void, undefined> {
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const decompressors = withEmptyPages(compressors);
  const handle = await open(path, 'r');
  try {
    const file = await slicesOf(handle);
    const metadata = await damageOf(path, parquetMetadataAsync(file));
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await damageOf(
        path,
        parquetReadObjects({
          ...{ file, metadata, compressors: decompressors, rowStart, rowEnd, geoparquet: false },
          parsers: { stringFromBytes: (bytes?: Uint8Array) => bytes && utf8.decode(bytes) },
        }),
      );
      for (let i = 0; i < rows.length; i++) yield { line: rowStart + i + 1, value: jsonOf(rows[i]) };
      rowStart = rowEnd;
    }
  } finally {
    await handle.close();
  }
}

/** A page of nulls has no values to unpack; hyparquet-compressors 1.1.2 refuses what LZ4 makes of that. */
function withEmptyPages(compressors: Compressors): Compressors {
  const wrapped: Compressors = {};
  for (const [codec, unpack] of Object.entries(compressors)) {
    wrapped[codec as keyof Compressors] = (bytes, size) =>
      size === 0 ? new Uint8Array(0) : unpack(bytes, size);
  }
  return wrapped;
}

/** The file as the Parquet reader asks for it: piece by piece, by position. */
async function slicesOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const [from, to] = [start < 0 ? size + start : start, end < 0 ? size + end : end];
      if (from < 0 || to > size || from > to) throw new Error('it points to a place outside itself');
      const bytes = new Uint8Array(to - from);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, from + filled);
        if (bytesRead === 0) throw new Error('it ended while it was read');
        filled += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

async function damageOf<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new TenetError('data', `${path}: incomplete or damaged Parquet (${reason}); get the file again.`, {
      cause,
    });
  }
}

function jsonOf(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value !== 'object') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonOf);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, jsonOf);
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && field !== undefined) fields[name] = jsonOf(field);
  }
  return fields;
}
