import { expect, it } from 'vitest';
import { foldBeginning, withoutBeginning } from './fold-beginning.ts';

const user = (content: string) => ({ role: 'user' as const, content });
const assistant = (content: string) => ({ role: 'assistant' as const, content });
const request = 'Begin your answer with exactly these words and go on from there:\n';

it('asks in words for an answer that begins so', () => {
  expect(foldBeginning([user('Hi'), assistant('It')])).toEqual([user(`Hi\n\n${request}It`)]);
  expect(foldBeginning([{ role: 'system', content: 'S' }, assistant('It')])).toEqual([
    { role: 'system', content: 'S' },
    user(`${request}It`),
  ]);
  expect(foldBeginning([user('Hi'), assistant('')])).toEqual([user('Hi')]);
  const plain = [user('Hi'), assistant('Hello'), user('Well?')];
  expect(foldBeginning(plain)).toBe(plain);
});

it('takes the beginning off an answer that repeats it', () => {
  expect(withoutBeginning(' It is 12 m.', 'It is ')).toBe(' 12 m.');
  expect(withoutBeginning('12 m.', 'It is')).toBe('12 m.');
});
