/** Streams the rows of CSV or TSV with a header line, as objects. */
import { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import type { RawRow } from './raw-row.ts';

/** Fields that hold lists, booleans or numbers in their formats; their cells are read as JSON. */
const JSON_FIELDS = new Set([
  'messages',
  'conversations',
  'responses',
  'ranks',
  'preferences',
  'objectives',
  'scores',
  'completions',
  'labels',
  'tools',
  'chat_template_kwargs',
  'history',
  'instances',
]);
/** Fields that hold a text or a list of messages: a cell that looks like such a list is read as JSON. */
const CONTENT_FIELDS = new Set(['prompt', 'completion', 'chosen', 'rejected']);

/** @param delimiter ',' or a tab. */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  delimiter: string,
): AsyncGenerator<RawRow, void, undefined> {
  const source = Readable.from(bytes);
  const parser = source.pipe(
    parse({ delimiter, bom: true, info: true, relax_column_count: true, skip_empty_lines: true }),
  );
  source.on('error', (error) => parser.destroy(error));
  let header: string[] | null = null;
  let line = 1; // on which the next row starts
  try {
    for await (const row of parser) {
      const { record, info } = row as { record: string[]; info: { lines: number } };
      const start = line;
      line = info.lines + 1;
      if (header === null) header = record;
      else if (record.length !== header.length) {
        yield { line: start, error: `has ${record.length} cells; the header has ${header.length}` };
      } else yield toObject(header, record, start);
    }
  } catch (error) {
    const code = (error as CsvError).code ?? '';
    if (!code.startsWith('CSV_')) throw error;
    yield {
      line,
      error: `is not valid CSV, and the rest of the file cannot be read: ${(error as Error).message}`,
    };
  } finally {
    parser.destroy();
    source.destroy();
  }
}

function toObject(header: readonly string[], cells: readonly string[], line: number): RawRow {
  const value: Record<string, unknown> = {};
  for (let i = 0; i < header.length; i++) {
    try {
      value[header[i]] = toValue(header[i], cells[i]);
    } catch (error) {
      return { line, error: `has a cell "${header[i]}" that is not valid JSON: ${(error as Error).message}` };
    }
  }
  return { line, value };
}

function toValue(field: string, cell: string): unknown {
  if (JSON_FIELDS.has(field)) return cell.trim() === '' ? undefined : JSON.parse(cell);
  if (CONTENT_FIELDS.has(field) && /^\s*\[\s*\{/.test(cell)) return parsedOr(cell);
  if (field === 'label') {
    const word = cell.trim().toLowerCase();
    if (word === 'true' || word === 'false') return word === 'true';
    if (/^\d+$/.test(word)) return Number(word);
  }
  if (field === 'margin' || field === 'probability') return cell.trim() === '' ? undefined : Number(cell);
  return cell;
}

/** A text may begin with "[{" and not be JSON. */
function parsedOr(cell: string): unknown {
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
