/** Streams plain text: in blocks for training on it, or line by line for lists of prompts. */
import { TextDecoder } from 'node:util';
import type { RawRow } from './raw-row.ts';

/** Size of a block in characters. A block ends at an empty line, else at a line end, else at a space. */
const BLOCK = 65_536;

/**
 * Rows `{text}` whose texts, joined, are the file.
 * @param bytes UTF-8; other bytes become U+FFFD.
 */
export async function* readTextBlocks(bytes: AsyncIterable<Buffer>): AsyncGenerator<RawRow, void, undefined> {
  let held = '';
  let line = 1;
  for await (const piece of decoded(bytes)) {
    held += piece;
    while (held.length >= 2 * BLOCK) {
      const end = blockEnd(held);
      const text = held.slice(0, end);
      held = held.slice(end);
      yield { line, value: { text } };
      line += text.split('\n').length - 1;
    }
  }
  if (held !== '') yield { line, value: { text: held } };
}

/** Rows `{prompt}`, one for each line that is not empty. */
export async function* readTextLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<RawRow, void, undefined> {
  let held = '';
  let line = 1;
  for await (const piece of decoded(bytes)) {
    const lines = (held + piece).split('\n');
    held = lines.pop()!;
    for (const text of lines) {
      if (text.trim() !== '') yield { line, value: { prompt: text.replace(/\r$/, '') } };
      line++;
    }
  }
  if (held.trim() !== '') yield { line, value: { prompt: held } };
}

async function* decoded(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  for await (const piece of bytes) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

function blockEnd(text: string): number {
  for (const mark of ['\n\n', '\n', ' ']) {
    const at = text.lastIndexOf(mark, BLOCK);
    if (at > BLOCK / 2) return at + mark.length;
  }
  const isPair = /[\uD800-\uDBFF]/.test(text[BLOCK - 1]); // never cut a surrogate pair
  return isPair ? BLOCK - 1 : BLOCK;
}
