import { describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { convertExample } from './convert-example.ts';
import { examplesOf, pairFromWholes } from './example.ts';
import { formatTranscript, parseTranscript } from './hh-transcript.ts';
import { readRecords } from './read-records.ts';
import type { RecordFormat } from './record.ts';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

function convert(record: object, from: RecordFormat, to: string, style?: 'standard' | 'conversational') {
  return examplesOf(record, from).flatMap((e) => convertExample(e, to as 'preference', style).records);
}

describe('HH transcripts', () => {
  const real = sharedData('preferences/hh-harmless-base.dev.jsonl.gz');

  it('keep all turns and their text', () => {
    const text = '\n\nHuman: Hi\n\nthere\n\nAssistant: Yes?\n\nHuman:  two\n\nAssistant: ';
    expect(parseTranscript(text)).toEqual([
      user('Hi\n\nthere'),
      assistant('Yes?'),
      user(' two'),
      assistant(''),
    ]);
    expect(formatTranscript(parseTranscript(text))).toBe(text);
    expect(formatTranscript([user('Hi')], true)).toBe('\n\nHuman: Hi\n\nAssistant:');
  });

  it('have their turns also where a program has made CRLF of line ends', () => {
    const text = '\n\nHuman: Hi\n\nAssistant: Yes?\nSo?\n\nHuman: two\n\nAssistant: ';
    const turns = parseTranscript(text.replaceAll('\n', '\r\n'));
    expect(turns).toEqual([user('Hi'), assistant('Yes?\r\nSo?'), user('two'), assistant('')]);
    const crlf = (answer: string) => `\r\n\r\nHuman: Hi\r\n\r\nAssistant: ${answer}`;
    expect(convert({ chosen: crlf('Yes'), rejected: crlf('No') }, 'hh-transcript', 'preference')).toEqual([
      { prompt: [user('Hi')], chosen: [assistant('Yes')], rejected: [assistant('No')] },
    ]);
  });

  it.skipIf(real === null)('come back unchanged from real rows, also by way of preferences', async () => {
    for (const { record } of await readRecords(real!).toArray()) {
      const { chosen, rejected } = record as { chosen: string; rejected: string };
      expect(formatTranscript(parseTranscript(chosen))).toBe(chosen);
      const [preference] = convert(record, 'hh-transcript', 'preference');
      expect(convert(preference, 'preference', 'hh-transcript')).toEqual([{ chosen, rejected }]);
      const [texts] = convert(record, 'hh-transcript', 'preference', 'standard') as Record<string, string>[];
      expect([texts.prompt + texts.chosen, texts.prompt + texts.rejected]).toEqual([chosen, rejected]);
    }
  });
});

describe('soft labels', () => {
  it('go with a pair through every format', () => {
    const record = { prompt: 'p', chosen: 'a', rejected: 'b', probability: 0.75 };
    const [ranking] = convert(record, 'preference', 'ranking');
    expect(ranking).toMatchObject({
      ranks: [1, 2],
      preferences: [
        [null, 0.75],
        [0.25, null],
      ],
    });
    expect(convert(ranking, 'ranking', 'preference')).toEqual([record]);
    expect(convert(record, 'preference', 'implicit-preference')).toEqual([
      { chosen: 'pa', rejected: 'pb', probability: 0.75 },
    ]);
  });

  it('of a ranking go with the pairs they are about', () => {
    const preferences = [
      [null, 0.25, null],
      [0.75, null, 0.5],
      [null, 0.5, null],
    ];
    const ranking = { prompt: 'p', responses: ['a', 'b', 'c'], ranks: [2, 1, 3], preferences };
    expect(convert(ranking, 'ranking', 'preference')).toEqual([
      { prompt: 'p', chosen: 'b', rejected: 'a', probability: 0.75 },
      { prompt: 'p', chosen: 'a', rejected: 'c' },
      { prompt: 'p', chosen: 'b', rejected: 'c', probability: 0.5 },
    ]);
  });
});

describe('labels by objective', () => {
  it('go with a pair through every format', () => {
    const record = { prompt: 'p', chosen: 'a', rejected: 'b', objectives: { kind: 0.75, brief: 0.5 } };
    expect(convert(record, 'preference', 'preference')).toEqual([record]);
    const [implicit] = convert(record, 'preference', 'implicit-preference');
    expect(implicit).toEqual({ chosen: 'pa', rejected: 'pb', objectives: record.objectives });
    // A ranking has ranks by objective: which is better stays, how surely does not.
    const [ranking] = convert(record, 'preference', 'ranking');
    expect(ranking).toEqual({
      prompt: 'p',
      responses: ['a', 'b'],
      ranks: [1, 2],
      objectives: { kind: [1, 2], brief: [1, 1] },
    });
    expect(convert(ranking, 'ranking', 'preference')).toEqual([
      { ...record, objectives: { kind: 1, brief: 0.5 } },
    ]);
  });

  it('of a ranking go with the pairs they are about', () => {
    const ranking = {
      prompt: 'p',
      responses: ['a', 'b', 'c'],
      ranks: [1, 2, 3],
      objectives: { kind: [3, 1, null] },
      scores: { brief: [0.5, 0.5, 2] },
    };
    expect(convert(ranking, 'ranking', 'preference')).toEqual([
      { prompt: 'p', chosen: 'a', rejected: 'b', objectives: { brief: 0.5, kind: 0 } },
      { prompt: 'p', chosen: 'a', rejected: 'c', objectives: { brief: 0 } },
      { prompt: 'p', chosen: 'b', rejected: 'c', objectives: { brief: 0 } },
    ]);
    const { scores: _, ...others } = ranking;
    expect(convert(ranking, 'ranking', 'ranking')).toEqual([
      { ...others, objectives: { brief: [2, 2, 1], kind: [3, 1, null] } },
    ]);
  });
});

describe('pairFromWholes', () => {
  // The cases of TRL's TestExtractPrompt.
  it('extracts the prompt as TRL does', () => {
    expect(pairFromWholes('The sky is blue.', 'The sky is green.')).toMatchObject({
      prompt: 'The sky is',
      responses: [' blue.', ' green.'],
    });
    const sky = user('What color is the sky?');
    const [blue, green] = [assistant('It is blue.'), assistant('It is green.')];
    expect(pairFromWholes([sky, blue], [sky, green])).toMatchObject({
      prompt: [sky],
      responses: [[blue], [green]],
    });
  });

  it('leaves a character as the response where one text begins with the other, or both are the same', () => {
    // TRL's extract_prompt ends at the last index of the shorter text.
    for (const longer of ['abcd', 'abc']) {
      expect(pairFromWholes('abc', longer)).toMatchObject({
        prompt: 'ab',
        responses: ['c', longer.slice(2)],
      });
    }
  });

  it('never cuts an emoji in two', () => {
    for (const [chosen, rejected] of [
      ['Hi 😀', 'Hi 😁'], // the same first half
      ['Hi 😀', 'Hi 😀!'],
      ['Hi 😀', 'Hi 😀'],
    ]) {
      expect(pairFromWholes(chosen, rejected)).toMatchObject({
        prompt: 'Hi',
        responses: [chosen.slice(2), rejected.slice(2)],
      });
    }
    expect(pairFromWholes('😀a', '😀b')).toMatchObject({ prompt: '😀', responses: ['a', 'b'] });
    expect(pairFromWholes('😀', '😁')).toMatchObject({ prompt: '', responses: ['😀', '😁'] });
  });

  it('leaves a response even where both are the same', () => {
    expect(pairFromWholes([user('a'), assistant('b')], [user('a'), assistant('b')])).toMatchObject({
      prompt: [user('a')],
      responses: [[assistant('b')], [assistant('b')]],
    });
  });
});

describe('convertExample', () => {
  it('unpairs preferences as TRL does', () => {
    const record = { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.' };
    expect(convert(record, 'preference', 'unpaired-preference')).toEqual([
      { prompt: 'The sky is', completion: ' blue.', label: true },
      { prompt: 'The sky is', completion: ' green.', label: false },
    ]);
  });

  it('makes all decided pairs of a ranking', () => {
    // Ranks b=1, a=c=2, d unjudged: b>a, b>c and nothing else, in the order of the responses.
    const record = { prompt: 'p', responses: ['a', 'b', 'c', 'd'], ranks: [2, 1, 2, null] };
    expect(convert(record, 'ranking', 'preference')).toEqual([
      { prompt: 'p', chosen: 'b', rejected: 'a' },
      { prompt: 'p', chosen: 'b', rejected: 'c' },
    ]);
    expect(convert(record, 'ranking', 'prompt-completion')).toEqual([{ prompt: 'p', completion: 'b' }]);
    const k4 = { prompt: 'p', responses: ['a', 'b', 'c', 'd'], ranks: [4, 3, 2, 1] };
    expect(convert(k4, 'ranking', 'preference')).toHaveLength(6); // K(K−1)/2
  });

  it('takes for an answer what the assistant said last, not what the user said to it', () => {
    const messages = [user('q'), assistant('a'), user('more'), assistant('b'), user('thanks')];
    const prompt = messages.slice(0, 3);
    expect(convert({ messages }, 'language-modeling', 'prompt-completion')).toEqual([
      { prompt, completion: [assistant('b')] },
    ]);
    expect(convert({ messages, label: true }, 'labelled-messages', 'unpaired-preference')).toEqual([
      { prompt, completion: [assistant('b')], label: true },
    ]);
  });

  it('counts why examples are left out', () => {
    const [tied] = examplesOf({ prompt: 'p', responses: ['a', 'b'], ranks: [1, 1] }, 'ranking');
    expect(convertExample(tied, 'preference')).toEqual({ records: [], dropped: 'all tied or not judged' });
    const [bad] = examplesOf({ prompt: 'p', completion: 'c', label: false }, 'unpaired-preference');
    expect(convertExample(bad, 'prompt-completion')).toEqual({ records: [], dropped: 'undesirable' });
  });

  it('reads formats from the wild', () => {
    const alpaca = {
      instruction: 'Add.',
      input: '1 2',
      output: '3',
      system: 'Be brief.',
      history: [['q', 'a']],
    };
    expect(convert(alpaca, 'alpaca', 'language-modeling')).toEqual([
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          user('q'),
          assistant('a'),
          user('Add.\n\n1 2'),
          assistant('3'),
        ],
      },
    ]);
    const dpo = {
      conversations: [
        { from: 'system', value: 's' },
        { from: 'human', value: 'q' },
      ],
      chosen: { from: 'gpt', value: 'good' },
      rejected: { from: 'gpt', value: 'bad' },
    };
    expect(convert(dpo, 'sharegpt-preference', 'preference')).toEqual([
      {
        prompt: [{ role: 'system', content: 's' }, user('q')],
        chosen: [assistant('good')],
        rejected: [assistant('bad')],
      },
    ]);
    const pair = { input: 'q', output_1: 'x', output_2: 'y', label: 2 };
    expect(convert(pair, 'output-pair', 'hh-transcript')).toEqual([
      { chosen: '\n\nHuman: q\n\nAssistant: y', rejected: '\n\nHuman: q\n\nAssistant: x' },
    ]);
    const kto = { messages: [user('q'), assistant('a')], label: true };
    expect(convert(kto, 'labelled-messages', 'unpaired-preference')).toEqual([
      { prompt: [user('q')], completion: [assistant('a')], label: true },
    ]);
  });

  it('turns texts into messages and back', () => {
    const record = { prompt: 'Why?', chosen: 'Because.', rejected: 'No.', tools: [{ name: 't' }] };
    const [chat] = convert(record, 'preference', 'preference', 'conversational');
    expect(chat).toEqual({
      prompt: [user('Why?')],
      chosen: [assistant('Because.')],
      rejected: [assistant('No.')],
      tools: [{ name: 't' }],
    });
    const transcript = { prompt: '\n\nHuman: Why?\n\nAssistant:', completion: ' Because.' };
    expect(convert(transcript, 'prompt-completion', 'prompt-completion', 'conversational')).toEqual([
      { prompt: [user('Why?')], completion: [assistant('Because.')] },
    ]);
  });

  it('refuses what cannot be made', () => {
    const [text] = examplesOf({ text: 'x' }, 'language-modeling');
    expect(() => convertExample(text, 'preference')).toThrow('preference cannot be made from plain texts');
  });
});
