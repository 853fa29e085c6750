import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseRecipe } from './recipe.ts';
import { checkInputPaths, inputPathsOf } from './recipe-paths.ts';
import { recipeSchema } from './run-recipe.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-paths-'));
  await writeFile(join(folder, 'here.jsonl'), '');
});
afterEach(() => rm(folder, { recursive: true }));

const parse = (text: string) => parseRecipe(text, { schema: recipeSchema, file: 'r.yaml', folder }).value;

it('finds every input, under the name that --set takes', () => {
  const recipe = parse(`
output: elsewhere
model: { path: base }
stages:
  - { type: sft, name: first, data: { path: [here.jsonl, gone.jsonl] } }
  - { type: ppo, prompts: { path: p.jsonl }, rewardModelPath: rm }
`);
  expect(inputPathsOf(recipeSchema, recipe)).toEqual([
    { option: 'model.path', path: join(folder, 'base') },
    { option: 'first.data.path', path: join(folder, 'here.jsonl') },
    { option: 'first.data.path', path: join(folder, 'gone.jsonl') },
    { option: 'ppo.rewardModelPath', path: join(folder, 'rm') },
    { option: 'ppo.prompts.path', path: join(folder, 'p.jsonl') },
  ]);
});

it('names all that is missing, with the way to give it', async () => {
  const recipe = parse('{ model: { path: base }, stages: [{ type: sft, data: { path: gone.jsonl } }] }');
  await expect(checkInputPaths(recipeSchema, recipe, 'my run')).rejects.toThrow(
    'my run needs files that cannot be found:\n' +
      `  model.path: ${join(folder, 'base')}\n` +
      `  sft.data.path: ${join(folder, 'gone.jsonl')}\n` +
      'Correct them in the recipe, or give the place with --set model.path=PATH --set sft.data.path=PATH.',
  );
  const good = parse('stages: [{ type: pretrain, data: { path: here.jsonl } }]');
  await checkInputPaths(recipeSchema, good, 'my run');
});
