import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRunFolder, type RunFolder } from '../run-folder.ts';
import { collectedBy } from './comparisons.ts';
import type { FinishedStage, StageRun } from './stage-run.ts';

let folder: string;
let run: RunFolder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-comparisons-'));
  run = await openRunFolder({ path: folder, recipe: '', stages: ['reward'] });
  await writeFile(join(folder, 'rankings.jsonl'), '{"prompt":"a","responses":["b","c"],"ranks":[1,2]}\n');
  await writeFile(join(folder, 'pairs.jsonl'), '{"prompt":"d","chosen":"e","rejected":"f"}\n');
});
afterEach(async () => {
  run.close();
  await rm(folder, { recursive: true });
});

const rankings: FinishedStage = { name: 'rankings', type: 'rankings', result: { data: 'rankings.jsonl' } };
const promptsOf = async (finished: readonly FinishedStage[]): Promise<unknown[]> => {
  const { examples } = await collectedBy(
    { finished, run, name: 'reward' } as unknown as StageRun,
    'comparisons',
  );
  return examples.map((example) => 'prompt' in example && example.prompt);
};

it('takes comparisons from the newest stage that made some', async () => {
  const critique = { name: 'critique', type: 'critique' } as const;
  const made = { data: 'demonstrations.jsonl' };
  expect(
    await promptsOf([rankings, { ...critique, result: { ...made, preferences: 'pairs.jsonl' } }]),
  ).toEqual(['d']);
  // Without pairs it has made demonstrations alone, however its record says so.
  expect(await promptsOf([rankings, { ...critique, result: made }])).toEqual(['a']);
  expect(await promptsOf([rankings, { ...critique, result: { ...made, preferences: null } }])).toEqual(['a']);
});
