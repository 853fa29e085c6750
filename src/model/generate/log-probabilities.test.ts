import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mostLikely } from './log-probabilities.ts';

it('finds the largest entries as sorting does, ties in order of their ids', () => {
  const values = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(values, fc.nat(45), (entries, count) => {
      const sorted = entries.map((_, id) => id).sort((a, b) => entries[b] - entries[a] || a - b);
      expect(mostLikely(Float32Array.from(entries), count)).toEqual(sorted.slice(0, count));
    }),
  );
});
