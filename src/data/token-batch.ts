/**
 * Batches of token rows, the form in which text reaches a model.
 *
 * Shapes: B = rows, T = row length in tokens; all arrays row-major. A row holds one document and padding, or
 * several documents behind each other that do not see one another.
 */
import { TenetError } from '../base/index.ts';

/** Tokens of one document. */
export interface TokenExample {
  /** [tokens] */
  readonly ids: Int32Array;
  /** [tokens] 1 = the loss counts the prediction of this token. The first token is never predicted. */
  readonly counted: Uint8Array;
}

export interface TokenBatch {
  /** B */
  readonly rows: number;
  /** T */
  readonly length: number;
  /** [B, T] token ids; the padding id at padding. */
  readonly ids: Int32Array;
  /** [B, T] number of the document within its row, from 1; 0 = padding. */
  readonly segments: Int32Array;
  /** [B, T] position within the document, from 0; 0 at padding. */
  readonly positions: Int32Array;
  /** [B, T] 1 = this token is a target whose log-probability counts; never set on the first token of a document. */
  readonly counted: Uint8Array;
}

export interface PadOptions {
  /** Where the tokens go last: 'right' (default) pads behind them, 'left' before them (for generation). */
  side?: 'right' | 'left';
  /** T is rounded up to a multiple of this. Default 1. Larger: fewer different shapes, more padding. */
  multipleOf?: number;
  /** T; default the longest example, rounded up. */
  length?: number;
  /** Id at padding. Default 0; padding is never seen, so any id of the vocabulary does. */
  padId?: number;
}

/**
 * One example per row, padded to one length.
 * @throws TenetError('data') when there is no example, or one is longer than `length`.
 */
export function padBatch(examples: readonly TokenExample[], options: PadOptions = {}): TokenBatch {
  if (examples.length === 0) throw new TenetError('data', 'A batch needs at least one example.');
  const longest = Math.max(1, ...examples.map((example) => example.ids.length));
  const length = options.length ?? roundUp(longest, options.multipleOf ?? 1);
  const batch = emptyBatch(examples.length, length, options.padId ?? 0);
  examples.forEach((example, row) => {
    checkFits(example, length);
    const start = options.side === 'left' ? length - example.ids.length : 0;
    place(batch, row * length + start, example, 1);
  });
  return batch;
}

export interface PackOptions {
  /** T, the length of the rows. Default the longest row, rounded up to `multipleOf`. */
  length?: number;
  /** Rounds the default length up. Default 1. */
  multipleOf?: number;
  /** Id at padding. Default 0. */
  padId?: number;
}

/**
 * Several documents per row, in the given order, padded behind the last.
 * @param rows for each row the examples in it, as `planPacking` arranges them.
 */
export function packBatch(rows: readonly (readonly TokenExample[])[], options: PackOptions = {}): TokenBatch {
  if (rows.length === 0) throw new TenetError('data', 'A batch needs at least one row.');
  const lengthOf = (row: readonly TokenExample[]) =>
    row.reduce((sum, example) => sum + example.ids.length, 0);
  const longest = Math.max(1, ...rows.map(lengthOf));
  const length = options.length ?? roundUp(longest, options.multipleOf ?? 1);
  const batch = emptyBatch(rows.length, length, options.padId ?? 0);
  rows.forEach((row, r) => {
    if (lengthOf(row) > length) {
      throw new TenetError(
        'data',
        `Row ${r} holds ${lengthOf(row)} tokens, more than its length of ${length}.`,
      );
    }
    let offset = r * length;
    row.forEach((example, document) => {
      place(batch, offset, example, document + 1);
      offset += example.ids.length;
    });
  });
  return batch;
}

/** How many tokens of a batch count in the loss. */
export function countedTokens(batch: TokenBatch): number {
  let sum = 0;
  for (const one of batch.counted) sum += one;
  return sum;
}

function emptyBatch(rows: number, length: number, padId: number): TokenBatch {
  const size = rows * length;
  return {
    rows,
    length,
    ids: new Int32Array(size).fill(padId),
    segments: new Int32Array(size),
    positions: new Int32Array(size),
    counted: new Uint8Array(size),
  };
}

function place(batch: TokenBatch, offset: number, example: TokenExample, document: number): void {
  const { ids, counted } = example;
  if (counted.length !== ids.length) {
    throw new TenetError('internal', `An example has ${ids.length} ids and ${counted.length} mask entries.`);
  }
  batch.ids.set(ids, offset);
  batch.counted.set(counted, offset);
  batch.segments.fill(document, offset, offset + ids.length);
  for (let i = 0; i < ids.length; i++) batch.positions[offset + i] = i;
  if (ids.length > 0) batch.counted[offset] = 0; // nothing comes before it that could predict it
}

function checkFits(example: TokenExample, length: number): void {
  if (example.ids.length > length) {
    throw new TenetError(
      'data',
      `An example has ${example.ids.length} tokens, more than the row length of ${length}. Truncate when encoding.`,
    );
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
