import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { columnsOf, cut, harmless, linesOf } from './text-layout.ts';

describe('text for terminals', () => {
  it('makes what a terminal would obey visible', () => {
    expect(harmless('a\x1b[2Jb\r\nc\rd\te\x07\x9b\u202e')).toBe('a␛[2Jb\nc\nd    e␇\ufffd\ufffd');
  });

  it('counts columns', () => {
    expect(columnsOf('fish')).toBe(4);
    expect(columnsOf('魚と')).toBe(4);
    expect(columnsOf('é')).toBe(1); // e and a combining accent
    expect(columnsOf('👩‍👩‍👧')).toBe(2);
    expect(columnsOf('Größe')).toBe(5);
  });

  it('breaks at spaces, keeps indents, and cuts only what is longer than a line', () => {
    expect(linesOf('one two three\n\n  four five six', 9)).toEqual([
      'one two',
      'three',
      '',
      '  four',
      '  five',
      '  six',
    ]);
    expect(linesOf('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl']);
    expect(linesOf('魚魚魚', 4)).toEqual(['魚魚', '魚']);
    expect(linesOf(' 魚', 2)).toEqual(['魚']);
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('abcd', 4)).toBe('abcd');
  });

  test('no line is too long, and nothing is lost but spaces', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', 'ü', '魚', '-'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 20 }), (given, width) => {
        const lines = linesOf(given, width);
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        const letters = (value: string): string => value.replace(/\s/g, '');
        expect(letters(lines.join(''))).toBe(letters(given));
      }),
    );
  });
});
