import fc from 'fast-check';
import { expect, it } from 'vitest';
import { trainBpe } from '../../text/index.ts';
import { Transcript } from './transcript.ts';

const { tokenizer } = await trainBpe(
  ['Here is how to do it: first take the bread, then the salt. '.repeat(3), 'äöü 你好 one  two\n\nthree'],
  { vocabSize: 330 },
);
const transcript = new Transcript(tokenizer);
const before = transcript.prompt([{ role: 'user', content: 'How?' }]);

const cut = (text: string, places: readonly number[]): string[] => {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => text.slice(start, at[i] ?? text.length));
};

it('gives the same tokens however an answer is cut, and they spell it', () => {
  const words = fc.constantFrom(
    'Here',
    ' is',
    ' how',
    '\n\n',
    ' ',
    '  ',
    'bread,',
    '你好',
    '😀',
    ' x'.repeat(40),
    'z'.repeat(130),
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 8 }), (parts, places) => {
      const answer = parts.join('');
      const whole = transcript.answer(before, answer);
      const stream = transcript.stream(before);
      const ids = cut(answer, places).flatMap((piece) => stream.push(piece));
      ids.push(...stream.end());
      expect(ids).toEqual(whole);
      const said = answer.trimStart();
      expect(tokenizer.decode(ids)).toBe(said === '' ? '' : ` ${said}`);
    }),
    { numRuns: 60 },
  );
});

it('holds back a word that may go on, but not for ever', () => {
  const stream = transcript.stream(before);
  stream.push('Here is how');
  expect(stream.held).toBe(' how'.length);
  stream.push('x'.repeat(500));
  expect(stream.held).toBeLessThanOrEqual(48);
  stream.end();
  expect(stream.held).toBe(0);
});

it('writes any roles in any order', () => {
  const { text } = transcript.prompt([
    { role: 'assistant', content: 'Hello' },
    { role: 'tool', content: '{}' },
    { role: 'system', content: 'Be kind' },
  ]);
  expect(text).toBe('\n\nAssistant: Hello\n\nTool: {}\n\nSystem: Be kind\n\nAssistant:');
  expect(transcript.prompt([]).text).toBe('\n\nAssistant:');
});
