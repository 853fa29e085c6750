/** Streams the rows of JSON Lines: one JSON value per line, empty lines skipped. */
import { type RawRow, RowBytes } from './raw-row.ts';

const NEWLINE = 0x0a;

export async function* readJsonl(bytes: AsyncIterable<Buffer>): AsyncGenerator<RawRow, void, undefined> {
  const row = new RowBytes();
  let line = 1;
  let isBlank = true;
  for await (const piece of bytes) {
    let start = 0;
    while (start < piece.length) {
      const newline = piece.indexOf(NEWLINE, start);
      const part = piece.subarray(start, newline < 0 ? piece.length : newline);
      if (isBlank) isBlank = part.every(isWhiteSpace);
      if (!isBlank) row.add(line === 1 ? withoutMark(part) : part);
      if (newline < 0) break;
      if (!isBlank) yield row.take(line);
      isBlank = true;
      line++;
      start = newline + 1;
    }
  }
  if (!isBlank) yield row.take(line);
}

function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/** Some editors put a byte-order mark at the start of a file; JSON does not know it. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
