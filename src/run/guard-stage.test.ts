import { expect, it } from 'vitest';
import { parseRecipe } from './recipe.ts';
import { inputPathsOf } from './recipe-paths.ts';
import { recipeSchema } from './run-recipe.ts';

const parse = (stage: string) =>
  parseRecipe(`stages: [{ type: guard, ${stage} }]`, { schema: recipeSchema, file: 'r.yaml', folder: '/r' });

it.each([
  ['former: house', /labelled .*something else to train on is needed: labelled, harmful, .*cases, generate/],
  ['labelled: a.jsonl, startFromFormer: true', /startFromFormer .*is true: needs the guard .*: former/],
  ['labelled: a.jsonl, model: sft, modelPath: m', /modelPath .*and model exclude each other/],
  [
    'labelled: a.jsonl, model: sft, former: house, startFromFormer: true',
    /startFromFormer .*and a model exclude each other/,
  ],
  ['labelled: a.jsonl, refusalRate: 0.02, kinds: [inputs]', /kinds/],
  ['labelled: a.jsonl, refusalRate: 0.3', /refusalRate .*is 0.3/],
  ['cases: { project: guard }', /stages\[0\]\.cases\.store .*is required and missing/],
])('refuses { %s }', (stage, message) => {
  expect(() => parse(stage)).toThrow(message);
});

it('takes a store by its place or by its address', () => {
  const pathsOf = (store: string) =>
    inputPathsOf(recipeSchema, parse(`former: house, cases: { store: "${store}" }`).value);
  expect(pathsOf('cases.db')).toContainEqual({ option: 'guard.cases.store', path: '/r/cases.db' });
  expect(pathsOf('postgres://me@host/labels')).toContainEqual({
    option: 'guard.cases.store',
    path: 'postgres://me@host/labels',
  });
});
