import { expect, it } from 'vitest';
import { recipeOptions } from './recipe-options.ts';

it('names options by their stage, and stages of one type by a number', () => {
  const text = `
name: small
seed: 1
stages:
  - type: sft
    learningRate: 0.1
    data: { sandbox: corpus, limit: 3 }
  - type: sft
    learningRate: 0.2
  - type: ppo
    name: short
    stop: [a, b]
    maxSteps: null
`;
  expect(recipeOptions(text).map(({ path, value }) => `${path}=${value}`)).toEqual([
    ...['name=small', 'seed=1'],
    ...['sft.type=sft', 'sft.learningRate=0.1', 'sft.data.sandbox=corpus', 'sft.data.limit=3'],
    ...['sft 2.type=sft', 'sft 2.learningRate=0.2'],
    ...['short.type=ppo', 'short.name=short', 'short.stop=["a","b"]', 'short.maxSteps=null'],
  ]);
});
