/** Streams the rows of CSV or TSV with a header line, as objects. */
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { type CsvError, parse } from 'csv-parse';
import type { RawRow } from './raw-row.ts';
import { withoutMark } from './read-jsonl.ts';

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
/** Fields that hold a text or a list of messages: a cell that is such a list in JSON is read as one. */
const CONTENT_FIELDS = new Set(['prompt', 'completion', 'chosen', 'rejected']);
/** What tells a message, whole or not, from other objects. */
const MESSAGE_FIELDS = new Set(['role', 'content', 'from', 'value']);

/**
 * UTF-8, or UTF-16 with a byte-order mark, as spreadsheets write it.
 *
 * The parser is given bytes as Latin-1, one character to each, so that what is not UTF-8 is seen row by row.
 * @param delimiter ',' or a tab.
 * @param fieldOf   what a column is to be read as, which says what kind of value its cells hold. Default: its own name
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  delimiter: string,
  fieldOf: (column: string) => string = (column) => column,
): AsyncGenerator<RawRow, void, undefined> {
  const source = Readable.from(inUtf8(bytes));
  const parser = source.pipe(
    parse({
      delimiter,
      encoding: 'latin1',
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }),
  );
  source.on('error', (error) => parser.destroy(error));
  let header: string[] | null = null;
  let line = 1; // on which the next row starts, or the empty lines before it
  try {
    for await (const row of parser) {
      const { record, raw } = row as { record: string[]; raw: string };
      const start = line + lineEnds(raw, /^[\r\n]+/);
      line += lineEnds(raw, /^.*$/s);
      const cells = record.map(textOf);
      if (!cells.every((cell) => cell !== null)) {
        yield { line: start, error: 'is not valid UTF-8; save the file in that encoding' };
        if (header === null) return;
      } else if (header === null) {
        header = cells;
        const twice = header.find((name, i) => name !== '' && header!.indexOf(name) !== i);
        if (twice === undefined) continue;
        yield { line: start, error: `names the column "${twice}" twice; rename or remove one of them` };
        return;
      } else if (cells.length !== header.length) {
        yield { line: start, error: `has ${cells.length} cells; the header has ${header.length}` };
      } else yield toObject(header, cells, start, fieldOf);
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

async function* inUtf8(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let isFirst = true;
  let utf16: TextDecoder | null = null;
  for await (const piece of bytes) {
    if (isFirst && piece[0] === 0xff && piece[1] === 0xfe) utf16 = new TextDecoder('utf-16le');
    if (utf16) yield Buffer.from(utf16.decode(piece, { stream: true }));
    else yield isFirst ? withoutMark(piece) : piece;
    isFirst = false;
  }
}

/** The text of bytes as Latin-1; null where they are no UTF-8. */
function textOf(latin1: string): string | null {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** How many lines end in a part of a row as it stands in the file. Of its last line end, CRLF, the parser gives CR alone. */
function lineEnds(raw: string, part: RegExp): number {
  return part.exec(raw)?.[0].match(/\r\n|\r|\n/g)?.length ?? 0;
}

function toObject(
  header: readonly string[],
  cells: readonly string[],
  line: number,
  fieldOf: (column: string) => string,
): RawRow {
  const value: Record<string, unknown> = {};
  for (let i = 0; i < header.length; i++) {
    try {
      value[header[i]] = toValue(fieldOf(header[i]), cells[i]);
    } catch (error) {
      return { line, error: `has a cell "${header[i]}" that is not valid JSON: ${(error as Error).message}` };
    }
  }
  return { line, value };
}

function toValue(field: string, cell: string): unknown {
  if (JSON_FIELDS.has(field)) return cell.trim() === '' ? undefined : JSON.parse(cell);
  if (CONTENT_FIELDS.has(field) && /^\s*\[\s*\{/.test(cell)) return messagesOr(cell);
  if (field === 'label') {
    const word = cell.trim().toLowerCase();
    if (word === 'true' || word === 'false') return word === 'true';
    if (/^\d+$/.test(word)) return Number(word);
  }
  if (field === 'margin' || field === 'probability') return cell.trim() === '' ? undefined : Number(cell);
  return cell;
}

/** A text may begin with "[{" and not be JSON, or be JSON that is no list of messages. */
function messagesOr(cell: string): unknown {
  try {
    const items = JSON.parse(cell) as unknown[];
    const isMessages = items.some((item) => Object.keys(item ?? {}).some((key) => MESSAGE_FIELDS.has(key)));
    return isMessages ? items : cell;
  } catch {
    return cell;
  }
}
