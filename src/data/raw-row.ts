/** A row as it stands in a file, before its format is known. */
import { isUtf8 } from 'node:buffer';

export interface RawRow {
  /** Line on which the row starts, or number of the item in a JSON array; from 1. */
  readonly line: number;
  /** The parsed row; undefined when `error` is set. */
  readonly value?: unknown;
  /** Why the row cannot be parsed. */
  readonly error?: string;
}

/** A row larger than this is refused, so that a damaged file cannot fill the memory. */
export const MAX_ROW_BYTES: number = 64 * 1024 * 1024;

/** Parses the bytes of one JSON value. */
export function parseRow(bytes: Buffer, line: number): RawRow {
  if (!isUtf8(bytes)) return { line, error: 'is not valid UTF-8' };
  try {
    return { line, value: JSON.parse(bytes.toString('utf8')) };
  } catch (error) {
    return { line, error: `is not valid JSON: ${(error as Error).message}` };
  }
}

/** Pieces of one row that was cut by the reads, up to {@link MAX_ROW_BYTES}. */
export class RowBytes {
  private pieces: Buffer[] = [];
  private size = 0;

  add(piece: Buffer): void {
    this.size += piece.length;
    if (this.size <= MAX_ROW_BYTES)
      this.pieces.push(Buffer.from(piece)); // a copy: the reads reuse their memory
    else this.pieces = [];
  }

  /** The row's value, or the reason why there is none; then empty again. */
  take(line: number): RawRow {
    const { pieces, size } = this;
    this.clear();
    if (size > MAX_ROW_BYTES) return { line, error: `is larger than ${MAX_ROW_BYTES / 1024 / 1024} MiB` };
    return parseRow(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces), line);
  }

  clear(): void {
    this.pieces = [];
    this.size = 0;
  }
}
