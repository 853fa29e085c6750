import { expect, it } from 'vitest';
import { massNote } from './choices.ts';

it('says how sure one can be that the model saw the options as answers', () => {
  expect(massNote([0.5, 0.9])).toBe('The model gave the options 70.0 % of its probability on average.');
  expect(massNote([0.02, 0.04])).toMatch(/3\.0 % .* does not see these as answers/);
  expect(massNote([])).toBe('The model answered no question.');
});
