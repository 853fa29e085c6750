import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopStrings } from './stop-strings.ts';

/** What the first stop string to be complete leaves of a text, found letter by letter. */
function byDefinition(text: string, strings: readonly string[]): { text: string; found: string | null } {
  for (let end = 0; end <= text.length; end++) {
    const ending = strings.filter((string) => text.slice(0, end).endsWith(string));
    if (ending.length) {
      const longest = ending.reduce((a, b) => (b.length > a.length ? b : a));
      return { text: text.slice(0, end - longest.length), found: longest };
    }
  }
  return { text, found: null };
}

describe('StopStrings', () => {
  it('gives the text before the first stop string, however it is cut, and never a part of one', () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b', '\n', '😀'), minLength, maxLength });
    fc.assert(
      fc.property(
        fc.array(letters(0, 4), { maxLength: 12 }),
        fc.array(letters(1, 4), { maxLength: 3 }),
        (pieces, strings) => {
          const expected = byDefinition(pieces.join(''), strings);
          const stops = new StopStrings(strings);
          let shown = '';
          for (const piece of pieces) {
            shown += stops.push(piece);
            expect(expected.text.startsWith(shown)).toBe(true);
          }
          expect({ text: shown + stops.flush(), found: stops.found }).toEqual(expected);
        },
      ),
      { numRuns: 3000, seed: 3 },
    );
  });

  it('holds back only what may become a stop string', () => {
    const stops = new StopStrings(['\n\nHuman:']);
    expect(['Hello\n', '\n', 'Hum', 'ble.'].map((piece) => stops.push(piece))).toEqual([
      'Hello',
      '',
      '',
      '\n\nHumble.',
    ]);
    expect(['\n\n', 'Human: Hi', 'more'].map((piece) => stops.push(piece))).toEqual(['', '', '']);
    expect(stops.found).toBe('\n\nHuman:');
    expect(stops.flush()).toBe('');
  });
});
