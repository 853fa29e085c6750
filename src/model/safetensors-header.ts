/**
 * The header of a safetensors file, read with distrust: everything is checked here, before any memory is
 * set aside for a tensor.
 *
 * A file is: 8 bytes little-endian header length N, N bytes of JSON, then the tensors' bytes. The JSON maps
 * each name to `{dtype, shape, data_offsets: [begin, end]}`, offsets counted from the end of the header,
 * and `__metadata__` to a map of strings. The tensors cover the data exactly: no overlap, no hole.
 * Format: https://github.com/huggingface/safetensors (README, "Format").
 */
import { TenetError } from '../base/error.ts';

/** Longest header accepted, in bytes; the reference implementation has the same limit. */
export const maxHeaderBytes = 100_000_000;

/** Bits of one element of each dtype that the format knows. */
const bitsOf: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** One tensor of a safetensors file. */
export interface TensorEntry {
  readonly name: string;
  /** As the file spells it: `F32`, `F16`, `BF16`, `I64` … */
  readonly dtype: string;
  /** Row-major; [] for a scalar. */
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In order of `begin`. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Checks the header's length against the file before the header is read.
 * @param length the file's first 8 bytes as an unsigned number.
 * @throws TenetError('model') when it is more than 100 MB or than the file holds.
 */
export function checkHeaderLength(path: string, length: bigint, fileBytes: number): number {
  if (length < 2n) throw damaged(path, `its header length is ${length} bytes; the shortest header is "{}"`);
  if (length > BigInt(maxHeaderBytes)) {
    throw damaged(path, `its header length is ${length} bytes; at most ${maxHeaderBytes} are allowed`);
  }
  if (length > BigInt(fileBytes - 8)) {
    throw damaged(path, `its header claims ${length} bytes, but only ${fileBytes - 8} follow`);
  }
  return Number(length);
}

/**
 * Reads and checks a header.
 * @param bytes the JSON, exactly as long as the file says.
 * @param dataBytes what follows the header in the file, in bytes.
 * @throws TenetError('model') naming the file, the tensor and the rule; damage to several tensors is
 * reported together (the first 20).
 */
export function parseHeader(path: string, bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  const record = parseJson(path, bytes);
  const metadata = readMetadata(path, record);
  const problems: string[] = [];
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(record)) {
    if (name === '__metadata__') continue;
    const entry = readEntry(name, value, dataBytes);
    if (typeof entry === 'string') problems.push(`tensor "${shorten(name)}": ${entry}`);
    else entries.push(entry);
  }
  if (problems.length === 0) problems.push(...checkCoverage(entries, dataBytes));
  if (problems.length > 0) throw damaged(path, listed(problems));
  return { tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata };
}

function parseJson(path: string, bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw damaged(path, 'its header does not start with "{"');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(path, 'its header is not valid UTF-8', cause);
  }
  const problem = scanKeys(text);
  if (problem) throw damaged(path, problem);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw damaged(path, `its header is not valid JSON (${shorten((cause as Error).message)})`, cause);
  }
}

/** Deepest nesting of a header: the map, a tensor, its shape. */
const maxDepth = 3;
/** Most tensors, and most dimensions, that a header may name: far above any model, far below harm. */
const maxKeys = 1_000_000;
const maxListLength = 64;

/**
 * Looks for what `JSON.parse` would hide or choke on: a key that occurs twice in one object, and nesting,
 * objects or lists larger than any header has. Text that is not JSON passes; the parser refuses it later.
 */
function scanKeys(text: string): string | undefined {
  const open: { keys: Set<string> | null; commas: number }[] = []; // brackets not yet closed; null = list
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    const inside = open.at(-1);
    if (character === '{' || character === '[') {
      if (open.length === maxDepth) return `its header is nested deeper than ${maxDepth} levels`;
      expectsKey = character === '{';
      open.push({ keys: expectsKey ? new Set() : null, commas: 0 });
    } else if (character === '}' || character === ']') {
      open.pop();
      expectsKey = false;
    } else if (character === ',' && inside) {
      expectsKey = inside.keys !== null;
      if (++inside.commas >= (inside.keys ? maxKeys : maxListLength)) {
        return `its header holds more than ${inside.keys ? `${maxKeys} keys` : `${maxListLength} numbers in a list`}`;
      }
    } else if (character === '"') {
      const end = endOfString(text, i);
      if (expectsKey && inside?.keys) {
        expectsKey = false;
        const key = unquote(text.slice(i, end + 1));
        if (inside.keys.has(key)) {
          return open.length === 1
            ? `tensor "${shorten(key)}" occurs twice`
            : `its header holds the key "${shorten(key)}" twice in one object`;
        }
        inside.keys.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

/** Index of the quotation mark that closes the string opened at `start`; the text's length if none does. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return Math.min(i, text.length);
}

/** The key a literal stands for, so that "a" and "\u0061" are the same; the literal itself if malformed. */
function unquote(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
function readMetadata(path: string, record: Record<string, unknown>): Record<string, string> {
  const metadata = Object.hasOwn(record, '__metadata__') ? record.__metadata__ : {};
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw damaged(path, '"__metadata__" must map strings to strings');
  }
  return metadata as Record<string, string>;
}

/** The checked entry, or what is wrong with it. */
function readEntry(name: string, value: unknown, dataBytes: number): TensorEntry | string {
  if (!isRecord(value)) return 'its entry is not an object';
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(bitsOf, dtype)) {
    return `unknown dtype ${shown(dtype)}; known are ${Object.keys(bitsOf).join(', ')}`;
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return `shape ${shown(shape)} is not a list of whole numbers from 0 to 2^53`;
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return `data_offsets ${shown(offsets)} are not two whole numbers from 0 to 2^53`;
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return `data_offsets [${begin}, ${end}] end before they begin`;
  if (end > dataBytes) {
    return `data_offsets [${begin}, ${end}] reach past the ${dataBytes} bytes of data in the file (truncated?)`;
  }
  const elements = (shape as number[]).includes(0) ? 0 : (shape as number[]).reduce((a, b) => a * b, 1);
  const bytes = (elements * bitsOf[dtype]) / 8;
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(bytes) || bytes !== end - begin) {
    return `shape ${shown(shape)} of ${dtype} takes ${bytes} bytes, but data_offsets [${begin}, ${end}] hold ${end - begin}`;
  }
  return { name, dtype, shape: shape as number[], begin, end };
}

/** Sorts the entries by place and checks that they cover the data without overlap or hole. */
function checkCoverage(entries: TensorEntry[], dataBytes: number): string[] {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const problems: string[] = [];
  let covered = 0;
  let before = 'the header';
  for (const { name, begin, end } of entries) {
    if (begin < covered) {
      problems.push(
        `tensor "${shorten(name)}": starts at byte ${begin}, inside ${before}, which ends at ${covered}`,
      );
    } else if (begin > covered) {
      problems.push(
        `tensor "${shorten(name)}": starts at byte ${begin}, leaving a hole after ${before}, which ends at ${covered}`,
      );
    }
    if (end >= covered) {
      covered = end;
      before = `tensor "${shorten(name)}"`;
    }
  }
  if (problems.length === 0 && covered !== dataBytes) {
    problems.push(`the tensors cover ${covered} bytes, but ${dataBytes} follow the header`);
  }
  return problems;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function shown(value: unknown): string {
  return value === undefined ? '(missing)' : shorten(JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

function listed(problems: readonly string[]): string {
  const most = 20;
  const rest = problems.length > most ? [`and ${problems.length - most} more`] : [];
  return [...problems.slice(0, most), ...rest].join('\n  ');
}

function damaged(path: string, problem: string, cause?: unknown): TenetError {
  return new TenetError(
    'model',
    `${path} is not a sound safetensors file: ${problem}. Download or export it again.`,
    { details: { path }, cause },
  );
}
