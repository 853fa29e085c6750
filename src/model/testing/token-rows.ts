/** For tests: rows of documents, each behind as much padding as the test wants. */

export interface TokenRows {
  /** B */
  readonly rows: number;
  /** T */
  readonly length: number;
  /** [B, T] */
  readonly ids: Int32Array;
  /** [B, T] number of the document in its row, 0 = padding. */
  readonly segments: Int32Array;
  /** [B, T] position within the document. */
  readonly positions: Int32Array;
  /** [B, T] 1 = the token is a target: all but the first of each document. */
  readonly counted: Uint8Array;
}

/** A document, or so much padding. */
export type Piece = readonly number[] | { readonly padding: number };

/**
 * Lays out rows; a row that is shorter than the longest gets padding on the right.
 * @param padId what stands at padding: any id, and no result may depend on it
 */
export function tokenRows(rows: readonly (readonly Piece[])[], padId = 0): TokenRows {
  const sizeOf = (piece: Piece): number => ('padding' in piece ? piece.padding : piece.length);
  const length = Math.max(...rows.map((row) => row.reduce((sum, piece) => sum + sizeOf(piece), 0)));
  const batch = {
    rows: rows.length,
    length,
    ids: new Int32Array(rows.length * length).fill(padId),
    segments: new Int32Array(rows.length * length),
    positions: new Int32Array(rows.length * length),
    counted: new Uint8Array(rows.length * length),
  };
  rows.forEach((row, r) => {
    let at = r * length;
    let document = 0;
    for (const piece of row) {
      if (!('padding' in piece)) {
        document += 1;
        piece.forEach((id, t) => {
          batch.ids[at + t] = id;
          batch.segments[at + t] = document;
          batch.positions[at + t] = t;
          batch.counted[at + t] = t > 0 ? 1 : 0;
        });
      }
      at += sizeOf(piece);
    }
  });
  return batch;
}
