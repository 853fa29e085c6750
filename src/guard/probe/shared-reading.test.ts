import { describe, expect, it } from 'vitest';
import { SharedReading } from './shared-reading.ts';

/** One number for each token; a window of two tokens. */
const reading = (maxLength = 100): SharedReading => new SharedReading({ numbers: 1, window: 2, maxLength });
const told = (...numbers: number[]): Float32Array => Float32Array.from(numbers);

describe('a conversation', () => {
  it('is judged at its end, over the last tokens', async () => {
    const one = reading();
    one.promptRead(told(9, 9, 1, 2));
    expect(await one.conversation).toEqual(told(1.5)); // (1 + 2) / 2
    one.promptRead(told(7)); // another choice's
    one.ended();
    expect(await one.conversation).toEqual(told(1.5));
  });

  it('that is long also at the ends of windows that overlap by half', async () => {
    // Windows of 4 tokens end at 4, 6 and 8: means (4 + 4) / 2, (0 + 6) / 2, 0; 9s elsewhere would count more.
    const one = reading(4);
    one.promptRead(told(9, 9, 4, 4, 0, 6, 0, 0, 9, -9));
    expect(await one.conversation).toEqual(told(4));
  });

  it('that the model does not read has no score', async () => {
    const one = reading();
    one.ended();
    expect(await one.conversation).toBeNull();
  });
});

describe('an answer', () => {
  it('has for each place the largest mean over the tokens that spell it, the prompt’s last ones in the window', () => {
    const one = reading();
    one.promptRead(told(5, 3));
    const answer = one.answer(0);
    answer.add('ab', told(1, 1)); // means (3 + 1) / 2 and 1
    answer.add('cd', told(4)); // 2.5
    answer.add('e', told()); // spelt by the token before
    answer.add('f', told(-6)); // -1
    expect([1, 2, 3, 4, 5, 6].map((end) => answer.largestUpTo(end)[0])).toEqual([2, 2, 2.5, 2.5, 2.5, 2.5]);
    expect(answer.isWhole).toBe(false);
    answer.end(told(20)); // (-6 + 20) / 2: a token of the end that spells nothing
    expect(answer.largestSoFar).toEqual(told(7));
    expect(answer.largestUpTo(6)).toEqual(told(2.5));
    expect([answer.text, answer.isWhole]).toEqual(['abcdef', true]);
  });

  it('goes on behind the prompt by itself, whatever the other choices say', () => {
    const one = reading();
    one.promptRead(told(0, 4));
    one.answer(0).add('x', told(100));
    one.answer(1).add('y', told(2));
    expect(one.answer(0).largestSoFar).toEqual(told(52));
    expect(one.answer(1).largestSoFar).toEqual(told(3));
  });

  it('cannot come before its conversation', () => {
    expect(() => reading().answer(0).add('x', told(1))).toThrow(/before its conversation had been read/);
  });
});
