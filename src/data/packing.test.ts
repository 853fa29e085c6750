import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitToRows, planPacking } from './packing.ts';
import { packBatch, type TokenExample } from './token-batch.ts';

const example = (ids: number[]): TokenExample => ({
  ids: Int32Array.from(ids),
  counted: new Uint8Array(ids.length).fill(1),
});

/** Rows as TRL's `pack_dataset` gives them: joined ids, and the lengths of the documents in each. */
function pack(documents: number[][], length: number, overlong: 'truncate' | 'split') {
  const { examples } = fitToRows(documents.map(example), length, overlong);
  const rows = planPacking(
    examples.map((e) => e.ids.length),
    length,
  );
  return {
    ids: rows.map((row) => row.flatMap((i) => [...examples[i].ids])),
    lengths: rows.map((row) => row.map((i) => examples[i].ids.length)),
  };
}

describe('planPacking', () => {
  // Inputs and results of TRL 1.13's tests TestPackDatasetBfd.
  it.each([
    {
      documents: [[1, 2, 3], [4, 5, 6, 7], [8]],
      length: 4,
      overlong: 'truncate',
      ids: [
        [4, 5, 6, 7],
        [1, 2, 3, 8],
      ],
      lengths: [[4], [3, 1]],
    },
    {
      documents: [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11], [12]],
      length: 4,
      overlong: 'split',
      ids: [
        [1, 2, 3, 4],
        [8, 9, 10, 11],
        [6, 7, 5, 12],
      ],
      lengths: [[4], [4], [2, 1, 1]],
    },
    {
      documents: [
        [1, -2, 3, -4, 5, -6],
        [7, -8, 9],
        [-10, 11, -12],
        [13, -14, 15, -16],
      ],
      length: 4,
      overlong: 'split',
      ids: [
        [1, -2, 3, -4],
        [13, -14, 15, -16],
        [7, -8, 9],
        [-10, 11, -12],
        [5, -6],
      ],
      lengths: [[4], [4], [3], [3], [2]],
    },
    {
      documents: [[1, 2, 3, 4, 5], [6], [7, 8, 9, 10], [11, 12, 13]],
      length: 5,
      overlong: 'split',
      ids: [
        [1, 2, 3, 4, 5],
        [7, 8, 9, 10, 6],
        [11, 12, 13],
      ],
      lengths: [[5], [4, 1], [3]],
    },
    {
      documents: [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11], [12]],
      length: 4,
      overlong: 'truncate',
      ids: [
        [1, 2, 3, 4],
        [8, 9, 10, 11],
        [6, 7, 12],
      ],
      lengths: [[4], [4], [2, 1]],
    },
  ])(
    'packs $documents to $length as TRL does ($overlong)',
    ({ documents, length, overlong, ids, lengths }) => {
      expect(pack(documents, length, overlong as 'split')).toEqual({ ids, lengths });
    },
  );

  it('places every document once, in the row that a plain search would take', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 60 });
    fc.assert(
      fc.property(lengths, (all) => {
        const rows = planPacking(all, 70);
        expect(rows).toEqual(bySearch(all, 70));
        const placed = rows.flat().sort((a, b) => a - b);
        expect(placed).toEqual(all.flatMap((size, i) => (size > 0 ? [i] : [])));
        const filled = rows.map((row) => row.reduce((sum, i) => sum + all[i], 0));
        expect(filled.every((size) => size <= 70)).toBe(true);
        expect(filled.filter((size) => size * 2 <= 70).length).toBeLessThanOrEqual(1); // two such would be one row
      }),
    );
  });

  it('refuses documents longer than a row', () => {
    expect(() => planPacking([3, 9], 8)).toThrow('A document of 9 tokens does not fit a row of 8');
  });

  it('counts what truncation drops', () => {
    const cut = fitToRows([example([1, 2, 3, 4, 5]), example([6])], 2, 'truncate');
    expect([cut.cutExamples, cut.droppedTokens]).toEqual([1, 3]);
    const split = fitToRows([example([1, 2, 3, 4, 5]), example([6])], 2, 'split');
    expect([split.cutExamples, split.droppedTokens, split.examples.length]).toEqual([1, 0, 4]);
  });

  it('makes batches whose documents are apart', () => {
    const documents = [example([1, 2, 3]), example([4, 5, 6, 7]), example([8])];
    const rows = planPacking([3, 4, 1], 4).map((row) => row.map((i) => documents[i]));
    const batch = packBatch(rows, { length: 4 });
    expect([...batch.segments]).toEqual([1, 1, 1, 1, 1, 1, 1, 2]);
    expect([...batch.positions]).toEqual([0, 1, 2, 3, 0, 1, 2, 0]);
    expect([...batch.counted]).toEqual([0, 1, 1, 1, 0, 1, 1, 0]);
  });
});

/** Best-fit decreasing by looking at every row; of equal room, the row that was filled to it first. */
function bySearch(lengths: readonly number[], rowLength: number): number[][] {
  const order = lengths.map((_, i) => i).filter((i) => lengths[i] > 0);
  order.sort((a, b) => lengths[b] - lengths[a] || a - b);
  const rows: { items: number[]; room: number; since: number }[] = [];
  order.forEach((index, step) => {
    const fitting = rows.filter((row) => row.room >= lengths[index]);
    fitting.sort((a, b) => a.room - b.room || a.since - b.since);
    const row = fitting[0] ?? { items: [], room: rowLength, since: step };
    if (!fitting[0]) rows.push(row);
    row.items.push(index);
    row.room -= lengths[index];
    row.since = step;
  });
  return rows.map((row) => row.items);
}
