import { describe, expect, it } from 'vitest';
import { detectFormat, formatOfRow } from './detect-format.ts';
import { examplesOf } from './example.ts';
import { validateRecord } from './validate-record.ts';

const question = [{ role: 'user', content: 'What color is the sky?' }];
const blue = [{ role: 'assistant', content: 'It is blue.' }];
const green = [{ role: 'assistant', content: 'It is green.' }];
const toolCall = { role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'get_color' } }] };

/** One row of each of TRL 1.13's dataset types, standard and conversational. */
const TRL_ROWS: [string, object][] = [
  ['language-modeling', { text: 'The sky is blue.' }],
  ['language-modeling', { messages: [...question, ...blue] }],
  ['prompt-only', { prompt: 'The sky is' }],
  ['prompt-only', { prompt: question }],
  ['prompt-completion', { prompt: 'The sky is', completion: ' blue.' }],
  ['prompt-completion', { prompt: question, completion: blue }],
  ['preference', { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.', margin: 0.5 }],
  ['preference', { prompt: question, chosen: blue, rejected: green }],
  [
    'preference',
    { prompt: question, chosen: [toolCall, ...blue], rejected: green, tools: [{ type: 'function' }] },
  ],
  ['implicit-preference', { chosen: 'The sky is blue.', rejected: 'The sky is green.' }],
  ['implicit-preference', { chosen: [...question, ...blue], rejected: [...question, ...green] }],
  ['unpaired-preference', { prompt: 'The sky is', completion: ' blue.', label: true }],
  ['unpaired-preference', { prompt: question, completion: blue, label: false }],
  ['stepwise-supervision', { prompt: '1+1+1?', completions: ['1+1=2.', '2+1=4.'], labels: [true, false] }],
];

describe('record formats', () => {
  it.each(TRL_ROWS)('%s: a row of TRL is found and valid: %j', (format, row) => {
    expect(formatOfRow(row)).toBe(format);
    expect(validateRecord(row, format as 'preference')).toEqual([]);
  });

  it('takes rankings with ties and unjudged responses', () => {
    const row = { prompt: 'p', responses: ['a', 'b', 'c'], ranks: [1, 1, null] };
    expect(formatOfRow(row)).toBe('ranking');
    expect(validateRecord(row, 'ranking')).toEqual([]);
  });

  it('takes responses that nobody has judged', () => {
    const row = { prompt: 'Name a fish.', responses: ['Trout.', 'A bird.'] };
    expect(formatOfRow(row)).toBe('prompt-responses');
    expect(formatOfRow({ ...row, ranks: [1, 2] })).toBe('ranking');
    expect(validateRecord(row, 'prompt-responses')).toEqual([]);
    expect(
      validateRecord(
        { ...row, responses: ['Trout.', [{ role: 'assistant', content: 'x' }]] },
        'prompt-responses',
      ),
    ).toEqual([{ field: 'responses[1]', problem: expect.stringContaining('use one style in a row') }]);
    expect(examplesOf(row, 'prompt-responses')).toEqual([{ kind: 'ranking', ...row, ranks: [null, null] }]);
  });

  it('takes soft labels', () => {
    const ranking = { prompt: 'p', responses: ['a', 'b'], ranks: [1, 2] };
    const preferences = [
      [null, 0.75],
      [0.25, null],
    ];
    expect(validateRecord({ ...ranking, preferences }, 'ranking')).toEqual([]);
    expect(
      validateRecord({ prompt: 'p', chosen: 'a', rejected: 'b', probability: 0.75 }, 'preference'),
    ).toEqual([]);
  });

  it.each([
    [
      'preference',
      { prompt: 'p', chosen: 'a', rejected: 'b', probability: 1.5 },
      'probability',
      'must be in [0, 1]',
    ],
    [
      'ranking',
      { prompt: 'p', responses: ['a', 'b'], ranks: [1, 2], preferences: [[null, 1]] },
      'preferences',
      'must be 2 lists of 2 entries',
    ],
    [
      'ranking',
      {
        prompt: 'p',
        responses: ['a', 'b'],
        ranks: [1, 2],
        preferences: [
          [null, 1],
          [1, null],
        ],
      },
      'preferences',
      'probabilities that sum to 1',
    ],
    ['ranking', { prompt: 'p', responses: ['a', 'b'], ranks: [1] }, 'ranks', 'has 1 entries for 2 responses'],
    ['ranking', { prompt: 'p', responses: ['a', 'b'], ranks: [0, 1] }, 'ranks[0]', 'ranks start at 1'],
    ['ranking', { prompt: 'p', responses: ['a'], ranks: [1] }, 'responses', 'at least two'],
    [
      'ranking',
      { prompt: 'p', responses: ['a', blue], ranks: [1, 2] },
      'responses[1]',
      'a list of messages while',
    ],
    ['prompt-only', { prompt: [] }, 'prompt', 'at least one message'],
    [
      'prompt-only',
      { prompt: [{ role: 'user', content: 7 }] },
      'prompt[0].content',
      'expected a text or a list',
    ],
    ['prompt-only', { prompt: [{ content: 'x' }] }, 'prompt[0].role', 'missing'],
    ['language-modeling', { messages: [{ role: 'user' }] }, 'messages[0].content', 'missing'],
    ['language-modeling', { other: 1 }, 'text', 'missing'],
    [
      'unpaired-preference',
      { prompt: 'p', completion: 'c', label: 'yes' },
      'label',
      'expected true or false; found "yes"',
    ],
    ['hh-transcript', { chosen: '\n\nHuman: a', rejected: 'b' }, 'rejected', 'does not begin with'],
    ['alpaca', { instruction: 'i', output: null }, 'output', 'found null'],
  ])('%s: explains what is wrong with %j', (format, row, field, problem) => {
    expect(validateRecord(row, format as 'ranking')).toContainEqual({
      field,
      problem: expect.stringContaining(problem),
    });
  });

  it('explains rows that are no objects', () => {
    expect(validateRecord([1], 'prompt-only')).toEqual([
      { field: '', problem: 'expected an object with fields, found a list of 1' },
    ]);
  });

  it('takes the format of most rows', () => {
    const pair = { prompt: 'p', chosen: 'a', rejected: 'b' };
    expect(detectFormat([{ prompt: 'p' }, pair, pair])).toBe('preference');
    expect(detectFormat([1, null, { x: 1 }])).toBeNull();
  });
});
