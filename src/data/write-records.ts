/** Writes records row by row, so that a reader sees the whole file or none of it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { syncFolder, TenetError } from '../base/index.ts';
import { type Shape, unknownShape, widen } from './parquet-shape.ts';
import { writeParquet } from './parquet-write.ts';

/** Containers that can be written. */
export type WritableContainer = 'jsonl' | 'json' | 'csv' | 'parquet';

export interface WriteOptions {
  /** Layout of the rows. Default by the name: .jsonl, .json, .csv, each also with .gz (packed), .parquet. */
  container?: WritableContainer;
}

const charactersAtOnce = 2 ** 18;

/** A data file being written; it appears under its name on `close`, or on `finish` and then `publish`. */
export class RecordWriter {
  /** Rows written so far. */
  count = 0;
  private readonly path: string;
  private readonly temporary: string;
  private readonly container: WritableContainer;
  private readonly sink: Writable;
  private readonly done: Promise<void>;
  /** Rows that wait to be written together: one at a time, the disk would be waited for after each few. */
  private pending: string[] = [];
  private pendingLength = 0;
  private header: string[] | null = null;
  /** What the columns of Parquet must hold. Only all rows together tell, so they wait as JSON Lines until then. */
  private shape: Shape = unknownShape;

  private constructor(path: string, container: WritableContainer) {
    this.path = path;
    this.container = container;
    this.temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    const file = createWriteStream(this.temporary);
    if (path.endsWith('.gz')) {
      const packed = createGzip();
      packed.pipe(file);
      packed.on('error', (error) => file.destroy(error));
      this.sink = packed;
    } else this.sink = file;
    this.done = finished(file);
    this.done.catch(() => {}); // reported by write, close or abort
  }

  /** @throws TenetError('usage') when neither the options nor the name say which container to write. */
  static async open(path: string, options: WriteOptions = {}): Promise<RecordWriter> {
    const container = options.container ?? containerByName(path);
    await mkdir(dirname(path), { recursive: true });
    return new RecordWriter(path, container);
  }

  /** Adds one row. */
  async write(record: object): Promise<void> {
    const text = this.textOf(record);
    this.count++;
    this.pending.push(text);
    this.pendingLength += text.length;
    if (this.pendingLength >= charactersAtOnce) await this.flush();
  }

  /** Ends the file, flushes it to disk and gives it its name. */
  async close(): Promise<void> {
    await this.finish();
    await this.publish();
  }

  /** Ends the file and flushes it to disk, still without its name; where that fails nothing is left behind. */
  async finish(): Promise<void> {
    try {
      if (this.container === 'json') this.pending.push(this.count === 0 ? '[]\n' : '\n]\n');
      await this.flush();
      this.sink.end();
      await this.done;
      if (this.container === 'parquet') await this.makeParquet();
      const file = await open(this.temporary, 'r+');
      await file.sync().finally(() => file.close());
    } catch (error) {
      await rm(this.temporary, { force: true });
      throw error;
    }
  }

  /** Gives a finished file its name; where that fails nothing is left behind. */
  async publish(): Promise<void> {
    try {
      await rename(this.temporary, this.path);
    } catch (error) {
      await rm(this.temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(this.path));
  }

  /** Gives up: nothing is left behind, and a file of that name stays as it was. */
  async abort(): Promise<void> {
    this.sink.end();
    await this.done.catch(() => {});
    await rm(this.temporary, { force: true });
  }

  private async flush(): Promise<void> {
    const text = this.pending.join('');
    this.pending = [];
    this.pendingLength = 0;
    if (!this.sink.write(text)) await Promise.race([once(this.sink, 'drain'), this.done]);
  }

  private async makeParquet(): Promise<void> {
    const rows = `${this.temporary}.rows`;
    await rename(this.temporary, rows);
    try {
      await writeParquet(rows, this.shape, { path: this.temporary, name: this.path });
    } finally {
      await rm(rows, { force: true });
    }
  }

  private textOf(record: object): string {
    const json = JSON.stringify(record);
    if (this.container === 'parquet') this.shape = widen(this.shape, record);
    if (this.container === 'jsonl' || this.container === 'parquet') return `${json}\n`;
    if (this.container === 'json') return this.count === 0 ? `[\n${json}` : `,\n${json}`;
    const head = this.header === null ? csvLine((this.header = Object.keys(record))) : '';
    const extra = Object.keys(record).filter((field) => !this.header!.includes(field));
    if (extra.length > 0) {
      throw new TenetError(
        'data',
        `${this.path}: row ${this.count + 1} has the field "${extra[0]}", which the first row has not; CSV needs the ` +
          `same fields in every row. Write JSON Lines instead.`,
      );
    }
    return head + csvLine(this.header!.map((field) => (record as Record<string, unknown>)[field]));
  }
}

/** Writes all records to a file at once. */
export async function writeRecords(
  path: string,
  records: Iterable<object> | AsyncIterable<object>,
  options: WriteOptions = {},
): Promise<number> {
  const writer = await RecordWriter.open(path, options);
  try {
    for await (const record of records) await writer.write(record);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  return writer.count;
}

function containerByName(path: string): WritableContainer {
  const extension = /\.(?:(jsonl|json|csv)(?:\.gz)?|(parquet))$/.exec(path)?.slice(1).find(Boolean);
  if (!extension) {
    throw new TenetError(
      'usage',
      `${path}: name the output .jsonl, .json or .csv, each also with .gz, or .parquet.`,
    );
  }
  return extension as WritableContainer;
}

function csvLine(cells: readonly unknown[]): string {
  const texts = cells.map((cell) => {
    const text =
      typeof cell === 'string' ? cell : cell === undefined || cell === null ? '' : JSON.stringify(cell);
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${texts.join(',')}\n`;
}
