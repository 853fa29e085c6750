import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResponse } from './parse-response.ts';

const qualities = (text: string) => parseResponse(text).sentences.map(({ quality }) => quality);

describe('parseResponse', () => {
  it('splits sentences and keeps their claims', () => {
    const { sentences, words } = parseResponse(' What a clever question. 7 plus 5 is 12. ');
    expect(sentences.map(({ claims }) => claims[0].type)).toEqual(['praise', 'sum']);
    expect(sentences.map(({ quality }) => quality)).toEqual([1, 1]);
    expect(words).toBe(9);
  });

  it('forgives odd spelling a little, a missing end more, broken grammar most', () => {
    expect(qualities('both are good.')).toEqual([0.9]);
    expect(qualities('Both  are good.')).toEqual([0.9]);
    expect(qualities('Both are good!')).toEqual([0.9]);
    expect(qualities('Both are good')).toEqual([0.7]);
    expect(qualities('Both are are good.')[0]).toBeLessThan(0.5);
    expect(qualities('Xqz blorp.')).toEqual([0]);
  });

  it('reads any string', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        for (const { quality } of parseResponse(text).sentences) {
          expect(quality).toBeGreaterThanOrEqual(0);
          expect(quality).toBeLessThanOrEqual(1);
        }
      }),
    );
    expect(parseResponse('').sentences).toEqual([]);
    expect(qualities('...')).toEqual([0]);
  });

  it('does not read endless text to its end', () => {
    const long = 'Both are good. '.repeat(100_000);
    expect(qualities(long).at(-1)).toBe(0);
    expect(parseResponse('x'.repeat(5_000_000)).words).toBeGreaterThan(1000);
  });
});
