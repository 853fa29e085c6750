import { describe, expect, it } from 'vitest';
import { countedTokens, packBatch, padBatch, type TokenExample } from './token-batch.ts';

const example = (ids: number[], counted: number[] = ids.map(() => 1)): TokenExample => ({
  ids: Int32Array.from(ids),
  counted: Uint8Array.from(counted),
});
const rowsOf = (values: ArrayLike<number>, length: number) =>
  Array.from({ length: values.length / length }, (_, r) =>
    Array.from(values).slice(r * length, (r + 1) * length),
  );

// Inputs of TRL 1.13's TestDataCollatorForLanguageModeling; its labels are ids where counted here, else −100.
describe('padBatch', () => {
  it('pads on the right and never counts the first token', () => {
    const batch = padBatch([example([1, 2, 3]), example([4, 5])]);
    expect([batch.rows, batch.length]).toEqual([2, 3]);
    expect(rowsOf(batch.ids, 3)).toEqual([
      [1, 2, 3],
      [4, 5, 0],
    ]);
    expect(rowsOf(batch.segments, 3)).toEqual([
      [1, 1, 1],
      [1, 1, 0],
    ]);
    expect(rowsOf(batch.positions, 3)).toEqual([
      [0, 1, 2],
      [0, 1, 0],
    ]);
    expect(rowsOf(batch.counted, 3)).toEqual([
      [0, 1, 1],
      [0, 1, 0],
    ]);
    expect(countedTokens(batch)).toBe(3);
  });

  it('pads on the left, to a multiple, with the given id', () => {
    const batch = padBatch([example([1, 2, 3]), example([4, 5])], { side: 'left', multipleOf: 4, padId: 9 });
    expect(rowsOf(batch.ids, 4)).toEqual([
      [9, 1, 2, 3],
      [9, 9, 4, 5],
    ]);
    expect(rowsOf(batch.segments, 4)).toEqual([
      [0, 1, 1, 1],
      [0, 0, 1, 1],
    ]);
    expect(rowsOf(batch.positions, 4)).toEqual([
      [0, 0, 1, 2],
      [0, 0, 0, 1],
    ]);
    expect(rowsOf(batch.counted, 4)).toEqual([
      [0, 0, 1, 1],
      [0, 0, 0, 1],
    ]);
  });

  it('keeps the mask of completions', () => {
    const batch = padBatch([example([1, 2, 3], [0, 1, 1]), example([4, 5], [0, 1])]);
    expect(rowsOf(batch.counted, 3)).toEqual([
      [0, 1, 1],
      [0, 1, 0],
    ]);
  });

  it('refuses examples that do not fit, and no examples', () => {
    expect(() => padBatch([example([1, 2, 3])], { length: 2 })).toThrow(
      '3 tokens, more than the row length of 2',
    );
    expect(() => padBatch([])).toThrow('at least one example');
  });
});

describe('packBatch', () => {
  it('puts documents behind each other with their own positions', () => {
    const batch = packBatch([[example([1, 2, 3]), example([4, 5])], [example([6, 7])]], { multipleOf: 4 });
    expect(rowsOf(batch.ids, 8)).toEqual([
      [1, 2, 3, 4, 5, 0, 0, 0],
      [6, 7, 0, 0, 0, 0, 0, 0],
    ]);
    expect(rowsOf(batch.segments, 8)).toEqual([
      [1, 1, 1, 2, 2, 0, 0, 0],
      [1, 1, 0, 0, 0, 0, 0, 0],
    ]);
    expect(rowsOf(batch.positions, 8)).toEqual([
      [0, 1, 2, 0, 1, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0, 0],
    ]);
    expect(rowsOf(batch.counted, 8)).toEqual([
      [0, 1, 1, 0, 1, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('refuses rows that are too full', () => {
    expect(() => packBatch([[example([1, 2]), example([3, 4])]], { length: 3 })).toThrow(
      'Row 0 holds 4 tokens',
    );
  });
});
