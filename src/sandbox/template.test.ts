import { describe, expect, it } from 'vitest';
import { combinations } from './lexicon.ts';
import { fill, match, sentence, template } from './template.ts';

describe('template', () => {
  it('finds the values that fill put in, in canonical spelling', () => {
    const text = 'the river of {town} is the {river}';
    for (const slots of combinations('town', 'river')) {
      expect(match(template(text), fill(text, slots).toLowerCase())).toEqual(slots);
    }
  });

  it('matches whole text only and treats punctuation as itself', () => {
    const form = template('Where is {town}?');
    expect(match(form, 'where is arvo?')).toEqual({ town: 'Arvo' });
    expect(match(form, 'where is arvo')).toBeNull();
    expect(match(form, 'where is arvo? now')).toBeNull();
    expect(match(form, 'where is paris?')).toBeNull();
  });

  it('wants a slot said twice to agree', () => {
    const form = template('{number} {countable} or {countable}');
    expect(match(form, '3 eggs or eggs')).toEqual({ number: '3', countable: 'eggs' });
    expect(match(form, '3 eggs or nuts')).toBeNull();
  });

  it('refuses unknown slots and missing values', () => {
    expect(() => template('a {nonsense}')).toThrow('{nonsense}');
    expect(() => fill('a {town}', {})).toThrow('{town}');
  });

  it('writes sentences', () => expect(sentence('both are good')).toBe('Both are good.'));
});
