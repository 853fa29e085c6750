import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadData } from './load-data.ts';
import { openRunFolder } from './run-folder.ts';
import { dataSource } from './run-recipe.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-load-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes rows to files of these names, and gives their paths. */
async function files(contents: Readonly<Record<string, string>>): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, content] of Object.entries(contents)) {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
    paths.push(path);
  }
  return paths;
}

it('takes files of one name from several folders, as HH-RLHF has them', async () => {
  const path = await files({
    'helpful/train.jsonl': '{"text":"a"}\n',
    'harmless/train.jsonl': '{"text":"b"}\n{"text":"c"}\n',
    'more.jsonl': '{"text":"d"}\n',
  });
  const { examples, inputs } = await loadData(dataSource.parse({ path }), {
    ...{ purpose: 'sft data', folder, seed: 1 },
  });
  expect(examples).toHaveLength(4);
  expect(inputs.map(({ name, rows }) => [name, rows])).toEqual([
    ['sft data (helpful/train.jsonl)', 1],
    ['sft data (harmless/train.jsonl)', 2],
    ['sft data (more.jsonl)', 1],
  ]);
  const run = await openRunFolder({ path: join(folder, 'run'), recipe: '', stages: ['sft'] });
  await run.recordInputs(inputs);
  expect(run.manifest.inputs).toHaveLength(3);
  run.close();
});

it('keeps the bad rows of each file', async () => {
  const path = await files({
    'a/x/rows.jsonl': '{"text":"a"}\nno\n',
    'b/x/rows.jsonl': '{"text":"b"}\nnor this\n',
  });
  await loadData(dataSource.parse({ path, onBadRow: 'skip' }), { purpose: 'data', folder, seed: 1 });
  expect((await readdir(folder)).filter((name) => name.startsWith('bad-rows'))).toEqual([
    'bad-rows-a-x-rows.jsonl.jsonl',
    'bad-rows-b-x-rows.jsonl.jsonl',
  ]);
});
