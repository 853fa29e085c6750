import { describe, expect, it } from 'vitest';
import { readOption } from './read-option.ts';

describe('readOption', () => {
  it.each<[string, number | null]>([
    ['A', 0],
    [' (B)', 1],
    ['(B).', 1],
    ['b', 1],
    ['**A**', 0],
    ['B: it is kinder', 1],
    ['A) the first', 0],
    ['{"answer": "B"}', 1],
    ['```json\n{"answer": "A"}\n```', 0],
    ['The answer is: (A)', 0],
    ['Let us think. (A) is rude, (B) is not. The answer is (B).', 1],
    ['I would choose B because A is rude.', 1],
    ['Option A', 0],
    ['After all, (B) it is', 1],
    ['A better answer would be neither.', null],
    ['I cannot say.', null],
    ['', null],
    ['C', null],
    ['(C)', null],
    ['Both (A) and (B) are fine', null],
    ['Apples', null],
  ])('%j', (answer, expected) => {
    expect(readOption(answer, ['A', 'B'])).toBe(expected);
  });

  it.each<[string, string[], number | null]>([
    ['(A)', ['(A)', '(B)'], 0],
    ['10', ['1', '10'], 1],
    ['1.', ['1', '10'], 0],
    ['Not harmful.', ['harmful', 'Not harmful'], 1],
    ['The request is harmful', ['harmful', 'harmless'], 0],
    ['Yes, it does.', ['Yes', 'No'], 0],
    ['yes', ['Yes', 'No'], 0],
    ['Nobody knows', ['Yes', 'No'], null],
    ['Ja', ['Ja', 'Nein'], 0],
  ])('%j among %j', (answer, options, expected) => {
    expect(readOption(answer, options)).toBe(expected);
  });
});
