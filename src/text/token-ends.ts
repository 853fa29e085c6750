/** Where in a text each of its tokens ends. */
import { CHARACTER_TO_BYTE } from './byte-characters.ts';
import type { Tokenizer } from './tokenizer.ts';

const SPACE = 0x20;

/**
 * Aligns token ids with the text they were encoded from.
 *
 * Works from the tokens' own bytes (byte-level and SentencePiece names). Spaces that a tokenizer puts in by
 * itself, such as SentencePiece's dummy prefix, take no room in the text.
 *
 * @param ids [tokens] what `tokenizer.encode(text)` gave.
 * @returns [tokens] for each token the offset in `text` (UTF-16 units) behind its last complete character, or
 *   null where the tokens do not spell the text (a tokenizer that lower-cases, for example).
 */
export function tokenEnds(tokenizer: Tokenizer, text: string, ids: readonly number[]): number[] | null {
  const bytes = new TextEncoder().encode(text);
  const ends: number[] = [];
  let position = 0;
  for (const id of ids) {
    const token = tokenBytes(tokenizer, id);
    if (token === null) return null;
    if (matches(bytes, position, token, 0)) position += token.length;
    else if (token[0] === SPACE && matches(bytes, position, token, 1)) position += token.length - 1;
    else return null;
    ends.push(position);
  }
  return position === bytes.length ? toUtf16Offsets(bytes, ends) : null;
}

function matches(bytes: Uint8Array, position: number, token: Uint8Array, skip: number): boolean {
  for (let i = skip; i < token.length; i++) if (bytes[position + i - skip] !== token[i]) return false;
  return true;
}

/** The bytes that a token stands for, those of its name for a control token; null for an id that no token has. */
export function tokenBytes(tokenizer: Tokenizer, id: number): Uint8Array | null {
  const name = tokenizer.tokenOf(id);
  if (name === null) return null;
  if (tokenizer.specialIds.has(id)) return new TextEncoder().encode(name);
  if (tokenizer.isByteLevel) {
    const values = Array.from(name, (character) => CHARACTER_TO_BYTE.get(character));
    return values.includes(undefined) ? new TextEncoder().encode(name) : Uint8Array.from(values as number[]);
  }
  const byte = /^<0x([0-9A-F]{2})>$/.exec(name);
  if (byte) return Uint8Array.of(Number.parseInt(byte[1], 16));
  return new TextEncoder().encode(name.replaceAll('▁', ' '));
}

/** Byte offsets (ascending) to offsets in UTF-16 units, rounded down to whole characters. */
function toUtf16Offsets(bytes: Uint8Array, ends: readonly number[]): number[] {
  const result: number[] = [];
  let units = 0; // UTF-16 units before byte `i`
  let i = 0;
  for (const end of ends) {
    while (i < end) {
      const lead = bytes[i];
      const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      if (i + length > end) break; // the token ends inside this character
      units += length === 4 ? 2 : 1;
      i += length;
    }
    result.push(units);
  }
  return result;
}
