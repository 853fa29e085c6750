import { describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../../llm/testing/index.ts';
import { parseConstitution } from '../load-constitution.ts';
import { CATEGORIES } from './categories.ts';
import { lintWithModel } from './judge-lint.ts';

const constitution = parseConstitution(
  '# C\n\n## `long` Be thorough\n\n## `brief` Be brief\n\n## `kind` Be kind\n',
  'c.md',
);
const conflict = {
  possible: true,
  request: 'Explain it',
  responseByFirst: 'FIRST',
  responseBySecond: 'SECOND',
};
const gap = { request: 'Hm?', oneResponse: 'ONE', otherResponse: 'TWO' };

/** Invents a case for every question, and judges by what the principle's text says. */
const judge = mockModel({
  chat: ({ messages }) => JSON.stringify(messages[0].content.includes('two principles') ? conflict : gap),
  choose: ({ messages: [{ content }] }) => {
    if (content.includes('say which of the two')) return content.includes('ONE') ? [0.2, 0.8] : [1, 0];
    if (content.includes('leave open')) return [0.9, 0.1];
    const firstIsA = content.indexOf('FIRST') < content.indexOf('SECOND');
    const p = content.includes('Be thorough') ? 0.9 : content.includes('Be brief') ? 0.1 : 0.9;
    return firstIsA ? [p, 1 - p] : [1 - p, p];
  },
});

describe('linting with a model', () => {
  it('reports conflicts that the judge confirms, with the case and both probabilities', async () => {
    const { conflicts, pairs, cleared, failed } = await lintWithModel(judge, constitution, {
      casesPerCategory: 0,
    });
    // The first response is by whichever principle stands first: long against brief and brief against kind part, long
    // and kind agree; brief against kind parts the wrong way round, each preferring the response made for the other.
    expect(conflicts).toEqual([
      {
        principles: ['long', 'brief'],
        place: 'c.md:5',
        case: { request: 'Explain it', responses: ['FIRST', 'SECOND'] },
        probabilities: [expect.closeTo(0.9, 12), expect.closeTo(0.1, 12)],
      },
    ]);
    expect({ pairs, cleared, failed }).toEqual({ pairs: 3, cleared: 2, failed: [] });
  });

  it('reports requests that the principles leave open, for each category', async () => {
    const { gaps } = await lintWithModel(judge, constitution, { pairs: 0 });
    expect(gaps.map(({ category }) => category)).toEqual(CATEGORIES.map(({ name }) => name));
    expect(gaps[0].probability).toBeCloseTo((0.2 + 0.1) / 2, 12);
    expect(gaps[0].case).toEqual({ request: 'Hm?', responses: ['ONE', 'TWO'] });
  });

  it('looks first at pairs that no priority ranks, and takes no for an answer', async () => {
    const ranked = parseConstitution(
      JSON.stringify({
        priorities: ['x', 'y'],
        principles: [
          { id: 'a', text: 'A.', tags: ['x'] },
          { id: 'b', text: 'B.', tags: ['y'] },
          { id: 'c', text: 'C.', tags: ['y'] },
        ],
      }),
      'c.json',
    );
    const honest = mockModel({ chat: [JSON.stringify({ ...conflict, possible: false })] });
    const found = await lintWithModel(honest, ranked, { pairs: 1, casesPerCategory: 0 });
    expect(found).toMatchObject({ conflicts: [], cleared: 1 });
    expect(honest.calls).toHaveLength(1);
    expect(honest.calls[0].messages[0].content).toContain('First: B.\n\nSecond: C.');
  });

  it('says what failed, and gives up when everything does', async () => {
    const broken = mockModel({ chat: () => new TenetError('provider', 'down') });
    await expect(lintWithModel(broken, constitution, { casesPerCategory: 0 })).rejects.toThrow(
      'invented no edge case: down',
    );
  });
});
