/** Converts a data file to another record format, row by row. */
import { convertExample, type Style, type TargetFormat } from './convert-example.ts';
import { examplesOf } from './example.ts';
import { type ReadOptions, readRecords } from './read-records.ts';
import type { RecordFormat } from './record.ts';
import { RecordWriter } from './write-records.ts';

export interface ConvertOptions extends ReadOptions {
  /** Format to write. */
  to: TargetFormat;
  /** Texts or messages. Default 'keep': as they are. */
  style?: Style;
}

export interface ConvertReport {
  from: RecordFormat | null;
  to: TargetFormat;
  rowsRead: number;
  badRows: number;
  recordsWritten: number;
  /** Why examples became no record → how many. */
  dropped: Record<string, number>;
}

/** Formats that message trees give through their ranked answers. */
const NEEDS_RANKINGS: ReadonlySet<TargetFormat> = new Set<TargetFormat>([
  'ranking',
  'preference',
  'implicit-preference',
  'unpaired-preference',
  'hh-transcript',
]);

/**
 * Reads `input` and writes `output` (.jsonl, .json or .csv, each also .gz, or .parquet). The output appears only when all
 * went well; the memory needed does not grow with the file.
 */
export async function convertFile(
  input: string,
  output: string,
  options: ConvertOptions,
): Promise<ConvertReport> {
  const as = options.trees?.as ?? (NEEDS_RANKINGS.has(options.to) ? 'rankings' : 'conversations');
  const rows = readRecords(input, { ...options, trees: { ...options.trees, as } });
  const writer = await RecordWriter.open(output);
  const dropped: Record<string, number> = {};
  try {
    for await (const row of rows) {
      for (const example of examplesOf(row.record, row.format)) {
        const converted = convertExample(example, options.to, options.style);
        if (converted.dropped) dropped[converted.dropped] = (dropped[converted.dropped] ?? 0) + 1;
        for (const record of converted.records) await writer.write(record);
      }
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  const { format, rows: rowsRead, badRows } = rows.summary;
  return { from: format, to: options.to, rowsRead, badRows, recordsWritten: writer.count, dropped };
}
