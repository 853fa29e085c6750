import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wordDiff } from './word-diff.ts';

it('marks what each text has alone', () => {
  const [a, b] = wordDiff('Boil the egg for eight minutes.', 'Boil one egg for ten minutes.');
  const own = (pieces: typeof a) => pieces.filter((piece) => piece.own).map(({ text }) => text.trim());
  expect(own(a)).toEqual(['the', 'eight']);
  expect(own(b)).toEqual(['one', 'ten']);
});

it('loses no character of either text', () => {
  const words = fc.array(fc.constantFrom('a', 'b', ' ', '\n', 'word', '<b>', 'é', '。'), { maxLength: 30 });
  fc.assert(
    fc.property(words, words, (one, other) => {
      const texts = [one.join(''), other.join('')];
      expect(wordDiff(texts[0], texts[1]).map((pieces) => pieces.map(({ text }) => text).join(''))).toEqual(
        texts,
      );
    }),
  );
});

it('tells long texts apart by sentences, or as wholes, where they share few words', () => {
  const sentences = (who: string, count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, i) =>
      Array.from({ length: 10 }, (__, word) => `${who}${from + i}-${word}`).join(' '),
    );
  const [mine, yours] = [sentences('mine', 200), sentences('yours', 200)];
  const shared = 'This is what both say.';
  const a = `${mine.join('. ')}. ${shared}`;
  const b = `${yours.join('. ')}. ${shared}`;
  const both = wordDiff(a, b);
  expect(both.map((pieces) => pieces.map(({ text }) => text).join(''))).toEqual([a, b]);
  for (const pieces of both) {
    const inBoth = pieces.filter(({ text, own }) => !own && text.trim() !== '');
    expect(inBoth.map(({ text }) => text.trim())).toEqual([shared]);
  }
  const [long, other] = [sentences('mine', 1000).join('. '), sentences('yours', 1000).join('. ')];
  expect(wordDiff(long, other)).toEqual([[{ text: long, own: true }], [{ text: other, own: true }]]);
});
