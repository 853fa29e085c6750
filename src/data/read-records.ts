/** Streams valid records from a data file and accounts for the rows that are not. */
import { TenetError } from '../base/index.ts';
import { detectFormat } from './detect-format.ts';
import { type TreeOptions, withTreesAsRecords } from './oasst-records.ts';
import { type Problem, ProblemList } from './problem.ts';
import type { RawRow } from './raw-row.ts';
import { type Container, openRows } from './read-rows.ts';
import { FORMAT_TITLES, RECORD_FORMATS, type RecordFormat } from './record.ts';
import { validateRecord } from './validate-record.ts';
import { RecordWriter } from './write-records.ts';

export interface ReadOptions {
  /** The format the rows must have. Default: found out from the first 100 rows. */
  format?: RecordFormat;
  /**
   * 'error' (default): when the file has been read, one error names all bad rows. 'skip': bad rows are written to
   * `badRowsPath`, counted, and left out. 'collect': left out and listed in `summary.problems`, for checks.
   */
  onBadRow?: 'error' | 'skip' | 'collect';
  /** Where 'skip' writes bad rows, as JSON Lines `{file, line, problems, row}`. */
  badRowsPath?: string;
  /** Field names to read under other names: `{ prompt: 'question' }` reads `question` as `prompt` where a row has it. */
  fields?: Readonly<Record<string, string>>;
  /** Of OpenAssistant message trees: what is read and which messages. Default: all conversations of finished trees. */
  trees?: TreeOptions;
}

/** One valid record and where it stands. */
export interface Row {
  readonly record: object;
  readonly format: RecordFormat;
  readonly file: string;
  /** Line on which the row starts, or number of the item in a JSON array or a Parquet file; from 1. */
  readonly line: number;
  readonly unit: 'line' | 'item';
}

/** What a pass over a file found; complete when the pass has ended. */
export interface ReadSummary {
  readonly file: string;
  format: RecordFormat | null;
  container: Container | null;
  /** Rows in the file, good and bad. */
  rows: number;
  badRows: number;
  readonly problems: ProblemList;
}

/** Rows from which the format is found out. */
const SAMPLE = 100;

/**
 * A pass over a data file: `for await (const row of readRecords(path))`. Holds one row at a time.
 *
 * Under `onBadRow: 'error'` no row is given out after the first bad one, but the file is read to its end, and
 * then the error names all bad rows by file, line and field.
 *
 * @throws TenetError('usage') at once for options that do not go together; TenetError('data') while reading.
 */
export function readRecords(path: string, options: ReadOptions = {}): RecordStream {
  return new RecordStream(path, options);
}

export class RecordStream implements AsyncIterable<Row> {
  /** What has been found so far. */
  readonly summary: ReadSummary;
  private readonly options: ReadOptions;

  constructor(path: string, options: ReadOptions) {
    if (options.onBadRow === 'skip' && !options.badRowsPath) {
      throw new TenetError(
        'usage',
        "onBadRow 'skip' needs badRowsPath, the file that bad rows are written to.",
      );
    }
    if (options.format && !RECORD_FORMATS.includes(options.format)) {
      throw new TenetError(
        'usage',
        `"${options.format}" is no record format. Known: ${RECORD_FORMATS.join(', ')}.`,
      );
    }
    this.options = options;
    this.summary = emptySummary(path);
  }

  /** All rows in an array. */
  async toArray(): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of this) rows.push(row);
    return rows;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    const { summary, options } = this;
    Object.assign(summary, emptySummary(summary.file)); // each pass counts for itself
    const { container, rows } = await openRows(summary.file, {
      linesArePrompts: options.format === 'prompt-only',
      fields: options.fields,
    });
    summary.container = container;
    const skip = options.onBadRow === 'skip';
    const goOn = skip || options.onBadRow === 'collect';
    let bad: RecordWriter | null = null;
    let isBroken = false;
    try {
      for await (const raw of this.withFormat(withTreesAsRecords(rows, options.trees))) {
        summary.rows++;
        const problems = this.check(raw);
        if (problems.length === 0) {
          if (summary.badRows === 0 || goOn) yield this.rowOf(raw);
          continue;
        }
        summary.badRows++;
        for (const problem of problems) summary.problems.add(problem);
        if (skip) {
          bad ??= await RecordWriter.open(options.badRowsPath!, { container: 'jsonl' });
          await bad.write({
            file: summary.file,
            line: raw.line,
            problems: problems.map(({ field, problem }) => ({ field, problem })),
            row: raw.value ?? null,
          });
        }
      }
    } catch (error) {
      isBroken = true;
      throw error;
    } finally {
      await rows.return();
      await (isBroken ? bad?.abort() : bad?.close()); // also where nobody wants the rows that are left
    }
    if (summary.badRows > 0 && !goOn) {
      const advice =
        'Correct these rows, or leave them out: with onBadRow: skip in a recipe, or a file written by tenet data convert --on-bad-row skip.';
      throw summary.problems.toError(summary.file, summary.badRows, advice);
    }
  }

  /** Passes the rows on, renamed; the format is settled before the first one. */
  private async *withFormat(rows: AsyncIterable<RawRow>): AsyncGenerator<RawRow, void, undefined> {
    this.summary.format = this.options.format ?? null;
    let sample: RawRow[] | null = this.summary.format ? null : [];
    for await (const raw of rows) {
      const row = this.renamed(raw);
      if (sample === null) {
        yield row;
        continue;
      }
      sample.push(row);
      if (sample.length < SAMPLE) continue;
      this.settleFormat(sample);
      yield* sample;
      sample = null;
    }
    if (sample === null || sample.length === 0) return;
    this.settleFormat(sample);
    yield* sample;
  }

  private settleFormat(sample: readonly RawRow[]): void {
    const format = detectFormat(sample.map((row) => row.value));
    if (format) {
      this.summary.format = format;
      return;
    }
    const first = sample.find((row) => typeof row.value === 'object' && row.value !== null);
    // Not one row can be parsed: let each say why, under the least demanding format.
    if (!first) {
      this.summary.format = 'language-modeling';
      return;
    }
    const known = RECORD_FORMATS.map((name) => `  ${name}: ${FORMAT_TITLES[name]}`).join('\n');
    throw new TenetError(
      'data',
      `${this.summary.file}: the rows have no known format; the first has the fields ` +
        `${Object.keys(first.value as object).join(', ') || '(none)'}. Known formats:\n${known}\n` +
        `Read fields under other names with fields, for example { prompt: 'question' } (--field prompt=question).`,
    );
  }

  private renamed(raw: RawRow): RawRow {
    const { fields } = this.options;
    if (!fields || typeof raw.value !== 'object' || raw.value === null) return raw;
    const value: Record<string, unknown> = { ...raw.value };
    for (const [name, from] of Object.entries(fields)) {
      if (!(from in raw.value)) continue;
      value[name] = (raw.value as Record<string, unknown>)[from];
      if (!(from in fields)) delete value[from];
    }
    return { ...raw, value };
  }

  private check(raw: RawRow): Problem[] {
    const { file } = this.summary;
    const place = { file, line: raw.line, unit: this.unit };
    if (raw.error !== undefined) return [{ ...place, field: '', problem: raw.error }];
    return validateRecord(raw.value, this.summary.format!).map((problem) => ({ ...place, ...problem }));
  }

  private rowOf(raw: RawRow): Row {
    const { file, format } = this.summary;
    return { record: raw.value as object, format: format!, file, line: raw.line, unit: this.unit };
  }

  private get unit(): 'line' | 'item' {
    const { container } = this.summary;
    return container === 'json' || container === 'parquet' ? 'item' : 'line';
  }
}

function emptySummary(file: string): ReadSummary {
  return { file, format: null, container: null, rows: 0, badRows: 0, problems: new ProblemList() };
}
