import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MockModel, mockModel } from '../../llm/testing/index.ts';
import { openRunFolder } from '../../run/index.ts';
import { RunsFolder } from '../run-folders/runs-folder.ts';
import { ModelShelf } from './model-shelf.ts';

let folder: string;
let runs: RunsFolder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-shelf-'));
  await mkdir(join(folder, 'runs'));
  runs = new RunsFolder(join(folder, 'runs'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A shelf of mock models, and what was opened, in order. */
function shelfOf(given: readonly string[], most?: number, from = runs) {
  const opened: { readonly spec: string; readonly model: MockModel }[] = [];
  const open = async (spec: string): Promise<MockModel> => {
    if (spec.includes('missing')) throw new Error('no such folder');
    const model = mockModel({ id: spec, chat: () => 'hello' });
    opened.push({ spec, model });
    return model;
  };
  return { shelf: new ModelShelf({ runs: from, given, open, most }), opened };
}

it('calls models by names that say nothing of folders and addresses, and tells equal ones apart', async () => {
  const { shelf } = shelfOf([
    ...['local:/home/me/secret/chatty', '/elsewhere/chatty', 'openai:gpt-4.1-mini'],
    ...['openai-compatible:org/model@https://10.0.0.7:8000/v1', 'hub:org/small'],
  ]);
  expect((await shelf.list()).map(({ name }) => name)).toEqual([
    ...['chatty', 'chatty (2)', 'openai:gpt-4.1-mini', 'org/model', 'hub:org/small'],
  ]);
  await expect(shelf.use('/home/me/secret/chatty', async () => {})).rejects.toThrow('There is no model');
});

it('offers the language models of runs, the last stage first, and no reward models', async () => {
  const path = join(runs.path, 'first');
  const run = await openRunFolder({ path, recipe: 'x: 1\n', stages: ['sft', 'reward', 'ppo'], seeds: {} });
  for (const [stage, head] of [
    ['sft', 'causal'],
    ['reward', 'reward'],
    ['ppo', 'causal'],
  ]) {
    await run.beginStage(stage);
    await run.finishStage(stage, { model: { folder: `stages/${stage}/model`, head } });
  }
  run.close();
  const { shelf, opened } = shelfOf([]);
  expect(await shelf.list()).toEqual([
    { name: 'first/ppo', from: 'run' },
    { name: 'first/sft', from: 'run' },
  ]);
  await shelf.use('first/sft', async () => {});
  expect(opened.map(({ spec }) => spec)).toEqual([`local:${join(path, 'stages/sft/model')}`]);
});

it('opens a model once for all who ask, closes the least lately used for others, and none that is at work', async () => {
  const { shelf, opened } = shelfOf(['openai:a', 'openai:b', 'openai:c'], 2);
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => ends.push(resolve));
  const working = shelf.use('openai:a', work);
  await expect.poll(() => ends.length).toBe(1);
  await Promise.all([shelf.use('openai:b', async () => {}), shelf.use('openai:b', async () => {})]);
  expect(opened.map(({ spec }) => spec)).toEqual(['openai:a', 'openai:b']);
  await shelf.use('openai:c', async () => {});
  expect(opened.map(({ model }) => model.closed)).toEqual([false, true, false]);
  const other = shelf.use('openai:c', work);
  await expect.poll(() => ends.length).toBe(2);
  await expect(shelf.use('openai:b', async () => {})).rejects.toThrow('room for no more');
  for (const end of ends) end();
  await Promise.all([working, other]);
  await shelf.close();
  expect(opened.every(({ model }) => model.closed)).toBe(true);
});

it('never holds more models than it may, also when several are asked for at once', async () => {
  const names = ['openai:a', 'openai:b', 'openai:c', 'openai:d'];
  // Runs that are listed at once bring all who ask to the same point together.
  const noRuns = Object.assign(new RunsFolder(runs.path), { list: async () => [] });
  const { shelf, opened } = shelfOf(names, 2, noRuns);
  const open = () => opened.filter(({ model }) => !model.closed).length;
  const seen: number[] = [];
  const work = async () => {
    seen.push(open());
  };
  const asked = await Promise.allSettled(names.map((name) => shelf.use(name, work)));
  expect(Math.max(...seen)).toBeLessThanOrEqual(2);
  for (const { reason } of asked.filter((one) => one.status === 'rejected')) {
    expect(String(reason)).toContain('room for no more');
  }
  await shelf.close();
});

it('tries a model that could not be opened anew', async () => {
  const { shelf } = shelfOf(['openai:missing']);
  for (let i = 0; i < 2; i++) {
    await expect(shelf.use('openai:missing', async () => {})).rejects.toThrow('no such folder');
  }
  expect((await shelf.list()).map(({ name }) => name)).toContain('openai:missing');
});
