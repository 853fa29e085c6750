/** Streams the items of a file that is one JSON array, without holding more than one item. */
import { type RawRow, RowBytes } from './raw-row.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const MARK: readonly number[] = [0xef, 0xbb, 0xbf]; // a byte-order mark may stand before the array
const isOpening = (byte: number) => byte === 0x5b || byte === 0x7b; // [ {
const isClosing = (byte: number) => byte === 0x5d || byte === 0x7d; // ] }
const isWhiteSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Finds the items by counting brackets outside strings, then parses each by itself; so an item that is not
 * valid JSON is one bad row, as long as its brackets and quotes are balanced.
 */
export async function* readJsonArray(bytes: AsyncIterable<Buffer>): AsyncGenerator<RawRow, void, undefined> {
  const row = new RowBytes();
  let item = 1;
  let depth = 0; // 1 = directly inside the array
  let hasItem = false; // the current item has a byte that is not white space
  let afterComma = false;
  let inString = false;
  let escaped = false;
  let ended = false;
  for await (const piece of bytes) {
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (isWhiteSpace(byte)) continue;
      if (ended) {
        yield { line: item, error: 'the file goes on after the end of its array' };
        return;
      }
      if (depth === 0) {
        if (item === 1 && MARK.includes(byte)) continue;
        if (byte !== 0x5b) {
          yield { line: item, error: 'the file is not a JSON array' };
          return;
        }
        depth = 1;
        start = i + 1;
      } else if (depth === 1 && (byte === COMMA || isClosing(byte))) {
        if (hasItem) {
          row.add(piece.subarray(start, i));
          yield row.take(item++);
        } else if (byte === COMMA || afterComma)
          yield { line: item++, error: 'is empty: there is a comma too many' };
        row.clear();
        hasItem = false;
        afterComma = byte === COMMA;
        start = i + 1;
        if (byte !== COMMA) ended = true;
      } else {
        hasItem = true;
        if (byte === QUOTE) inString = true;
        else if (isOpening(byte)) depth++;
        else if (isClosing(byte)) depth--;
      }
    }
    if (depth > 0 && !ended) row.add(piece.subarray(start));
  }
  if (!ended) yield { line: item, error: 'the file ends inside this item: it is incomplete' };
}
