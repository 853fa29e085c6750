import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffConstitutions, diffWords } from './diff.ts';
import { parseConstitution } from './load-constitution.ts';

const base = {
  version: '1.2.3',
  priorities: ['x', 'y'],
  principles: [
    { id: 'a', text: 'Be kind.', tags: ['x'] },
    { id: 'b', text: 'Be true.', tags: ['y'] },
    { id: 'c', text: 'Be of use.' },
  ],
};
type Document = typeof base;
const load = (document: object) => parseConstitution(JSON.stringify(document), 'c.json');
const [a, b, c] = base.principles;

describe('the difference of two constitutions', () => {
  it.each<[string, object, string, object]>([
    ['nothing', {}, 'none', { document: [], principles: [] }],
    ['a name', { name: 'other' }, 'patch', { document: [{ field: 'name', before: 'c', after: 'other' }] }],
    [
      'an example',
      { principles: [{ ...a, examples: [{ prompt: 'p', response: 'r' }] }, b, c] },
      'patch',
      { principles: [{ id: 'a', kind: 'changed' }] },
    ],
    [
      'a text',
      { principles: [{ ...a, text: 'Be nice.' }, b, c] },
      'minor',
      {
        principles: [
          { id: 'a', kind: 'changed', fields: [{ field: 'text', before: 'Be kind.', after: 'Be nice.' }] },
        ],
      },
    ],
    [
      'a new principle',
      { principles: [a, b, c, { id: 'd', text: 'New.' }] },
      'minor',
      { principles: [{ id: 'd', kind: 'added' }] },
    ],
    ['a lost principle', { principles: [a, b] }, 'major', { principles: [{ id: 'c', kind: 'removed' }] }],
    [
      'a limit',
      { principles: [a, b, { ...c, hard: true }] },
      'major',
      { principles: [{ id: 'c', kind: 'changed' }] },
    ],
    [
      'the priorities',
      { priorities: ['y', 'x'] },
      'major',
      { document: [{ field: 'priorities', before: 'x, y', after: 'y, x' }] },
    ],
    [
      'the order',
      { principles: [b, a, c] },
      'patch',
      {
        principles: [
          { id: 'b', kind: 'moved' },
          { id: 'a', kind: 'moved' },
        ],
      },
    ],
  ])('names %s and asks for the right version', (_, change, bump, expected) => {
    expect(diffConstitutions(load(base), load({ ...base, ...change } as Document))).toMatchObject({
      bump,
      ...expected,
    });
  });

  it.each([
    ['1.2.4', 'patch'],
    ['1.3.0', 'minor'],
    ['2.0.0', 'major'],
    ['1.2.3', 'none'],
    ['1.1.9', 'lower'],
  ])('reads what version %s says', (version, versionBump) => {
    expect(diffConstitutions(load(base), load({ ...base, version })).versionBump).toBe(versionBump);
  });
});

describe('the difference of two texts', () => {
  it('is by words', () => {
    expect(diffWords('be very kind to all', 'be kind to you all')).toEqual([
      { kind: 'same', text: 'be ' },
      { kind: 'removed', text: 'very ' },
      { kind: 'same', text: 'kind to ' },
      { kind: 'added', text: 'you ' },
      { kind: 'same', text: 'all' },
    ]);
  });

  it('gives both texts back', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', ' ', '\n'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const parts = diffWords(before, after);
        const without = (kind: string): string =>
          parts
            .filter((part) => part.kind !== kind)
            .map((part) => part.text)
            .join('');
        expect(without('added')).toBe(before);
        expect(without('removed')).toBe(after);
      }),
    );
  });
});
