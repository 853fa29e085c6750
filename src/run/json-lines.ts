/**
 * Append-only files of one JSON record per line.
 *
 * A record and its line end go to the system in one write on a file opened for appending, so a process
 * killed at any moment leaves at most one incomplete last line. Readers ignore such a tail; the next
 * writer removes it.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { TenetError } from '../base/index.ts';

const LINE_END = 0x0a;

/** Writes records to one file; the file is created when missing and repaired when its last line is cut. */
export class JsonLinesWriter {
  private readonly path: string;
  private file: number;

  constructor(path: string) {
    this.path = path;
    repairLastLine(path);
    this.file = openSync(path, 'a');
  }

  /** Appends one record as a whole line. Numbers that JSON cannot hold (NaN, ±Infinity) become null. */
  append(record: object): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const written = writeSync(this.file, line);
    if (written !== line.length) {
      throw new TenetError(
        'training',
        `${this.path}: only ${written} of ${line.length} bytes of a line could be written; is the disk full? ` +
          'Free some space and resume the run.',
      );
    }
  }

  /** Flushes what was appended to the disk. */
  sync(): void {
    fsyncSync(this.file);
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }
}

/** What a file of JSON lines holds. */
export interface JsonLines {
  readonly records: unknown[];
  /** Numbers (1-based) of complete lines that are not JSON; an incomplete last line is not counted. */
  readonly damagedLines: number[];
}

/** Reads all records of a file of JSON lines; a missing file holds none. */
export async function readJsonLines(path: string): Promise<JsonLines> {
  const records: unknown[] = [];
  const damagedLines: number[] = [];
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { records, damagedLines };
    throw error;
  }
  const lines = text.split('\n');
  lines.pop(); // either empty (the file ends with a line end) or a line that was cut while being written
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    try {
      records.push(JSON.parse(line));
    } catch {
      damagedLines.push(index + 1);
    }
  }
  return { records, damagedLines };
}

/** Cuts off what follows the last line end. */
function repairLastLine(path: string): void {
  const file = openSync(path, 'a+');
  try {
    const { size } = fstatSync(file);
    const piece = Buffer.alloc(64 * 1024);
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - piece.length);
      const read = readSync(file, piece, 0, end - start, start);
      const lastLineEnd = piece.lastIndexOf(LINE_END, read - 1);
      if (lastLineEnd >= 0) {
        if (start + lastLineEnd + 1 < size) ftruncateSync(file, start + lastLineEnd + 1);
        return;
      }
      end = start;
    }
    if (size > 0) ftruncateSync(file, 0);
  } finally {
    closeSync(file);
  }
}
