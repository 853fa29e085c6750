import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { families } from './families.ts';
import { bigramCoverage, parseClause } from './grammar.ts';
import type { Slots } from './lexicon.ts';
import { valuesOf } from './lexicon.ts';
import { phraseForms } from './phrases.ts';
import { fill, template } from './template.ts';

const forms = [...phraseForms, ...families.flatMap((family) => family.forms)];
const random = new Random(7);

function someSlots(text: string): Slots {
  return Object.fromEntries(
    template(text).slots.map((slot) => [
      slot,
      valuesOf(slot).length > 0 ? random.choice(valuesOf(slot)) : String(random.int(100)),
    ]),
  );
}

describe('grammar', () => {
  it('understands every form as its family means it: no two forms read one text differently', () => {
    for (const form of forms) {
      for (let repeat = 0; repeat < 5; repeat++) {
        const slots = someSlots(form.template);
        const text = fill(form.template, slots);
        const clause = parseClause(text.toLowerCase());
        expect(clause?.text, form.template).toBe(text);
        expect(clause?.claims, form.template).toEqual(form.claims(slots));
        expect(bigramCoverage(text.toLowerCase())).toBe(1);
      }
    }
  });

  it('reads prefixes only where they make sense', () => {
    expect(parseClause('yes, the river of arvo is the dun')?.claims).toEqual([
      { type: 'verdict', topic: 'verdict', key: 'yes' },
      { type: 'fact', topic: 'river/Arvo', key: 'Dun' },
    ]);
    expect(parseClause('i am not sure, but 7 plus 5 is 12')?.claims.map(({ type }) => type)).toEqual([
      'hedge',
      'sum',
    ]);
    expect(parseClause('yes, there is a lot to say about this')).toBeNull();
    expect(parseClause('first the river of arvo is the dun')).toBeNull();
    expect(parseClause('i can not help with that, because it is up to you')).toBeNull();
  });

  it('measures how much of a broken sentence is language', () => {
    // "^ the · the river · river of · of arvo · arvo is · is the · the $": two of seven pairs are new.
    expect(bigramCoverage('the river of arvo is the')).toBeCloseTo(6 / 7, 10);
    expect(bigramCoverage('xqz blorp')).toBe(0);
    expect(bigramCoverage('is river the the of')).toBeLessThan(0.5);
  });
});
