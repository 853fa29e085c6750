import { describe, expect, it } from 'vitest';
import { jsonCheck } from './json-check.ts';
import { type RuleOptions, ruleOptions } from './rule-options.ts';
import { repetitionPenalty, ruleOf, softOverlong } from './rules.ts';

/** A rule from options as users write them, on a text of some tokens. */
function judge(options: object, responseText: string, tokens = 1): number {
  return ruleOf(ruleOptions.parse(options) as RuleOptions)({
    responseText,
    response: new Array(tokens).fill(1),
  });
}

describe('overlong', () => {
  // The cases of TRL 1.13's test of get_soft_overlong_punishment: 50, 90 and 110 tokens of 100 with a cache of 20.
  it.each([
    [50, 0],
    [80, 0],
    [90, -0.5],
    [100, -1],
    [110, -1],
  ])('%i tokens: %d', (tokens, expected) => {
    expect(softOverlong(tokens, { maxLength: 100, cache: 20 })).toBeCloseTo(expected, 12);
    expect(judge({ type: 'overlong', maxLength: 100, cache: 20 }, 'x', tokens)).toBeCloseTo(expected, 12);
  });
});

describe('repetition', () => {
  it('is the penalty times the share of repeated n-grams', () => {
    // Bigrams of "a b a b a b": ab ba ab ba ab, 2 of 5 distinct: 1 − 2/5 = 0.6
    expect(repetitionPenalty('a b A b a b', { ngramSize: 2, maxPenalty: -1 })).toBeCloseTo(-0.6, 12);
    // Four equal words: one distinct of four
    expect(repetitionPenalty('no no no no', { ngramSize: 1, maxPenalty: -1 })).toBeCloseTo(-0.75, 12);
    expect(repetitionPenalty('all words differ here', { ngramSize: 2, maxPenalty: -2 })).toBe(0);
    expect(repetitionPenalty('two words', { ngramSize: 3, maxPenalty: -1 })).toBe(0);
    expect(repetitionPenalty('', { ngramSize: 1, maxPenalty: -1 })).toBe(0);
  });
});

describe('length', () => {
  it('falls to 0 outside the wanted lengths', () => {
    const rule = { type: 'length', unit: 'words', min: 2, max: 3, slack: 2 };
    expect(judge(rule, 'one two')).toBe(1);
    expect(judge(rule, '  one two  three ')).toBe(1);
    expect(judge(rule, 'one two three four')).toBe(0.5); // 1 beyond, 1 − 1/2
    expect(judge(rule, 'one')).toBe(0.5);
    expect(judge(rule, 'one two three four five')).toBe(0);
    expect(judge({ ...rule, slack: 0 }, 'one two three four')).toBe(0);
  });

  it('counts tokens, and characters as people see them', () => {
    expect(judge({ type: 'length', unit: 'tokens', max: 5 }, 'x', 5)).toBe(1);
    expect(judge({ type: 'length', unit: 'tokens', max: 5 }, 'x', 6)).toBe(0);
    expect(judge({ type: 'length', unit: 'characters', min: 1, max: 1 }, '😀')).toBe(1);
  });
});

describe('format', () => {
  const two = { type: 'format', sections: ['think', 'answer'], rest: false };
  it.each([
    ['<think>a\nb</think><answer>c</answer>', 1],
    ['\n<think></think>\n<answer>c</answer>\n', 1],
    ['<think>a</think><answer>c</answer> and more', 0],
    ['<answer>c</answer><think>a</think>', 0],
    ['<think>a<think>b</think></think><answer>c</answer>', 0],
    ['before <think>a</think><answer>c</answer>', 0],
    ['<think>a</think>', 0],
  ])('%j: %i', (text, expected) => void expect(judge(two, text)).toBe(expected));

  it('lets an answer follow, without a second section', () => {
    const one = { type: 'format' };
    expect(judge(one, '<think>I add.</think>\nIt is 4.')).toBe(1);
    expect(judge(one, '<think>I add.</think> 4 <think>no, 5</think>')).toBe(0);
    expect(judge(one, 'It is 4.')).toBe(0);
  });
});

describe('pattern', () => {
  it('is found, or forbidden', () => {
    const sorry = { type: 'pattern', pattern: '^sorry', flags: 'i' };
    expect(judge(sorry, 'Sorry, no.')).toBe(1);
    expect(judge(sorry, 'I am sorry.')).toBe(0);
    expect(judge({ ...sorry, forbid: true }, 'Sorry, no.')).toBe(0);
    expect(judge({ ...sorry, forbid: true }, 'Yes.')).toBe(1);
  });

  it('says what is wrong with one that is none', () => {
    expect(() => judge({ type: 'pattern', pattern: '(' }, '')).toThrow(
      /"\(" with flags "" is no regular expression/,
    );
  });
});

describe('json', () => {
  const schema = {
    type: 'object',
    properties: { age: { type: 'integer', minimum: 0 } },
    required: ['age'],
    additionalProperties: false,
  };
  const rule = { type: 'json', schema, parseCredit: 0.25 };
  it.each([
    ['{"age": 3}', 1],
    ['```json\n{"age": 3}\n```', 1],
    ['{"age": -3}', 0.25],
    ['{"age": 3, "name": "x"}', 0.25],
    ['Here: {"age": 3}', 0],
    ['', 0],
  ])('%j: %d', (text, expected) => void expect(judge(rule, text)).toBe(expected));

  it('takes any JSON without a schema, and refuses a schema that it cannot follow', () => {
    expect(jsonCheck(null)('[1, null]')).toBe('fits');
    expect(() => jsonCheck({ $ref: 'https://example.org/other.json' })).toThrow(
      /JSON Schema of a reward cannot be used/,
    );
  });
});
