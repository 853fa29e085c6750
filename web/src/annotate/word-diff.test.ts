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
