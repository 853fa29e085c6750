import { describe, expect, it } from 'vitest';
import { examplesOf } from './example.ts';
import { validateRecord } from './validate-record.ts';

describe('judgements by objective', () => {
  it('are ranks of a ranking, or scores of which the order counts', () => {
    const record = {
      prompt: 'p',
      responses: ['a', 'b', 'c'],
      ranks: [null, null, null],
      objectives: { harmless: [1, 1, 2], polite: null },
      scores: { helpful: [3.5, null, 4] },
    };
    const [example] = examplesOf(record, 'ranking');
    expect(example).toMatchObject({
      objectives: { harmless: { ranks: [1, 1, 2] }, helpful: { ranks: [2, null, 1] } },
    });
    expect(Object.keys((example as { objectives: object }).objectives)).toEqual(['helpful', 'harmless']);
  });

  it('are probabilities of a pair', () => {
    const objectives = { helpful: 1, harmless: 0.25, polite: 0.5, brief: null };
    const [example] = examplesOf({ prompt: 'p', chosen: 'a', rejected: 'b', objectives }, 'preference');
    expect(example).toMatchObject({
      ranks: [1, 2],
      objectives: {
        helpful: { ranks: [1, 2] },
        harmless: { ranks: [2, 1], preferences: [[null, 0.25], [0.75, null]] }, // biome-ignore format: a matrix
        polite: { ranks: [1, 1] },
      },
    });
  });

  it('have an entry for each response', () => {
    const check = (fields: object): string =>
      JSON.stringify(
        validateRecord({ prompt: 'p', responses: ['a', 'b'], ranks: [1, 2], ...fields }, 'ranking'),
      );
    expect(check({ objectives: { helpful: [1] } })).toMatch(/has 1 entries for 2 responses/);
    expect(check({ scores: { helpful: [1, 2, 3] } })).toMatch(/has 3 entries for 2 responses/);
    expect(check({ objectives: { helpful: [2, 1] }, scores: { long: [0.1, null] } })).not.toMatch(/entries/);
  });
});
