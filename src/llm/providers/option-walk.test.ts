import { describe, expect, it } from 'vitest';
import { matchOptions, type TokenChoice, walkOptions } from './option-walk.ts';

/** A token that was said with its probability, and what else could have been said in its place. */
const said = (token: string, probability: number, others: Record<string, number> = {}): TokenChoice => ({
  token,
  logprob: Math.log(probability),
  top_logprobs: Object.entries({ [token]: probability, ...others }).map(([other, p]) => ({
    token: other,
    logprob: Math.log(p),
  })),
});

const close = (found: number[], expected: number[]): void =>
  found.forEach((p, i) => {
    expect(p).toBeCloseTo(expected[i], 12);
  });

describe('walkOptions', () => {
  it('adds up the tokens that can only become one option', () => {
    const path = [said('A', 0.6, { ' A': 0.1, B: 0.2, ' B': 0.05, 'A)': 0.01, An: 0.02, I: 0.01 })];
    close(walkOptions(path, ['A', 'B']), [0.71, 0.25]);
  });

  it('goes on while several options are possible, with what was left of the probability', () => {
    const path = [
      said(' (', 0.9, { A: 0.04, B: 0.01, I: 0.03 }),
      said('B', 0.7, { A: 0.2, C: 0.1 }),
      said(')', 1),
    ];
    close(walkOptions(path, ['(A)', '(B)']), [0.04 + 0.9 * 0.2, 0.01 + 0.9 * 0.7]);
    close(walkOptions(path, ['A', 'B']), [0.04 + 0.9 * 0.2, 0.01 + 0.9 * 0.7]);
  });

  it('tells a number from a longer one that begins with it', () => {
    const options = ['1', '10', '2'];
    close(walkOptions([said('1', 0.5, { '10': 0.3, '2': 0.1 }), said('.', 0.8, { '0': 0.15 })], options), [
      0.5 * 0.8,
      0.3 + 0.5 * 0.15,
      0.1,
    ]);
    close(walkOptions([said('1', 0.5, { '10': 0.3, '2': 0.1 })], options), [0.5, 0.3, 0.1]);
  });

  it('follows options of several tokens, and a beginning that the answer repeats', () => {
    const path = [
      said('The', 0.9, { Yes: 0.05 }),
      said(' answer', 1),
      said(' is', 1),
      said(' No', 0.6, { ' Yes': 0.4 }),
    ];
    close(walkOptions(path, ['Yes', 'No'], 'The answer is'), [0.05 + 0.9 * 0.4, 0.9 * 0.6]);
    const sure = [said('Not', 0.8, { Harm: 0.2 }), said(' harm', 0.9, { ' sure': 0.1 }), said('ful', 1)];
    close(walkOptions(sure, ['Harmful', 'Not harmful', 'Not sure']), [0.2, 0.8 * 0.9, 0.8 * 0.1]);
  });

  it('gives nothing for an answer about something else', () => {
    expect(walkOptions([said('I', 0.99, { Sorry: 0.01 }), said(' cannot', 1)], ['A', 'B'])).toEqual([0, 0]);
    expect(walkOptions([], ['A', 'B'])).toEqual([0, 0]);
  });
});

describe('matchOptions', () => {
  it.each<[string, string[], string, number | 'open' | null]>([
    ['', ['A', 'B'], '', 'open'],
    [' (', ['A', 'B'], '', 'open'],
    ['A', ['A', 'B'], '', 0],
    ['A.', ['A', 'B'], '', 0],
    ['Apple', ['A', 'B'], '', null],
    ['Y', ['Yes', 'No'], '', 0],
    ['Yes', ['Yes', 'Yes, but'], '', 'open'],
    ['Yes.', ['Yes', 'Yes, but'], '', 0],
    ['Yes, b', ['Yes', 'Yes, but'], '', 'open'],
    ['1', ['1', '10'], '', 'open'],
    ['1\n', ['1', '10'], '', 0],
    ['The', ['A', 'B'], 'The answer is', 'open'],
    ['The answer is B', ['A', 'B'], 'The answer is ', 1],
    ['"B"', ['A', 'B'], '', 1],
  ])('%j among %j', (text, options, lead, expected) => {
    expect(matchOptions(text, options, lead)).toBe(expected);
  });
});
