import { expect, it } from 'vitest';
import type { EncodedText } from '../classifier/encode-examples.ts';
import { trackTexts } from './tracks.ts';

const text = (
  kind: EncodedText['kind'],
  harmful: boolean,
  categories: readonly string[] | null,
): EncodedText => ({
  kind,
  harmful,
  ids: Int32Array.of(1),
  judgedFrom: 0,
  example: { categories } as never,
});
const options = {
  kinds: ['input', 'output'],
  categories: ['a', 'b'],
  categoryWeight: 1,
  balance: false,
} as const;

it('teaches the verdict of the kind and every category whose label is known', () => {
  const texts = [text('output', true, ['b']), text('output', true, null), text('input', false, null)];
  const tracks = trackTexts(texts, options).map(({ tracks: own }) =>
    own.map(({ head, harmful, weight }) => [head, harmful, weight]),
  );
  expect(tracks).toEqual([
    [
      [1, true, 1],
      [2, false, 0.5],
      [3, true, 0.5],
    ],
    [[1, true, 1]], // harmful, and nobody knows by which category
    [
      [0, false, 1],
      [2, false, 0.5],
      [3, false, 0.5],
    ],
  ]);
});

it('balances the labels of each score, within limits', () => {
  const texts = [...new Array(3).fill(text('input', false, [])), text('input', true, null)];
  const weights = trackTexts(texts, { ...options, balance: true, categoryWeight: 0 }).map(
    ({ tracks }) => tracks[0].weight,
  );
  expect(weights).toEqual([4 / 6, 4 / 6, 4 / 6, 4 / 2]); // both sum to 2
  const rare = [...new Array(99).fill(text('input', false, [])), text('input', true, null)];
  expect(trackTexts(rare, { ...options, balance: true }).at(-1)!.tracks[0].weight).toBe(10);
});

it('counts an example as much as it weighs', () => {
  const [plain, heavy] = [text('input', true, ['a']), text('input', true, ['a'])];
  const example = { ...heavy.example, weight: 3 };
  const weights = trackTexts([plain, { ...heavy, example }], options).map(({ tracks }) =>
    tracks.map(({ weight }) => weight),
  );
  expect(weights).toEqual([
    [1, 0.5, 0.5],
    [3, 1.5, 1.5],
  ]);
});
