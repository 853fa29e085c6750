/**
 * The printable stand-ins for bytes used by byte-level BPE vocabularies.
 *
 * A vocabulary file is JSON text, so GPT-2 (Radford et al. 2019) writes each of the 256 bytes as one printable
 * character: printable Latin-1 bytes stand for themselves, and the 68 others take U+0100 onwards, in order.
 */

/** Byte value → stand-in character; 256 entries. Byte 0x20 (space) is "Ġ". */
export const BYTE_TO_CHARACTER: readonly string[] = makeTable();

/** Stand-in character → byte value. */
export const CHARACTER_TO_BYTE: ReadonlyMap<string, number> = new Map(
  BYTE_TO_CHARACTER.map((character, byte) => [character, byte]),
);

/** The bytes in the order in which GPT-2's vocabulary lists them: the printable ones first. */
export const BYTES_IN_VOCABULARY_ORDER: readonly number[] = [
  ...Array.from({ length: 256 }, (_, byte) => byte).filter(isPrintable),
  ...Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isPrintable(byte)),
];

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

function makeTable(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}
