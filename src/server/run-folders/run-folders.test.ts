import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRunFolder, type SampleRecord } from '../../run/index.ts';
import { RunStarter } from './run-starter.ts';
import { type RunMessage, RunStreams } from './run-stream.ts';
import { RunsFolder } from './runs-folder.ts';
import { selectSamples } from './select-samples.ts';
import { FileTail } from './tail-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-runs-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a followed file', () => {
  it('gives whole lines as they come, and says when it was begun anew', async () => {
    const path = join(folder, 'events.jsonl');
    const tail = new FileTail(path);
    expect(await tail.read()).toEqual({ records: [], restarted: false });
    await writeFile(path, '{"a":1}\n{"a":');
    expect((await tail.read()).records).toEqual([{ a: 1 }]);
    await appendFile(path, '2}\nnot JSON\n{"a":"é"}\n');
    expect((await tail.read()).records).toEqual([{ a: 2 }, { a: 'é' }]);
    await writeFile(path, '{"a":9}\n');
    expect(await tail.read()).toEqual({ records: [{ a: 9 }], restarted: true });
    await rm(path);
    expect(await tail.read()).toEqual({ records: [], restarted: true });
  });
});

describe('names of runs', () => {
  it.each(['..', '.', '../other', 'a/b', 'a\\b', '/etc', '', '.logs', 'a\u0000', '%2e%2e', 'nothing'])(
    '%j leads nowhere',
    async (name) => {
      await writeFile(join(folder, 'manifest.json'), '{}');
      await mkdir(join(folder, 'runs'));
      await expect(new RunsFolder(join(folder, 'runs')).folderOf(name)).rejects.toMatchObject({
        code: 'not-found',
      });
    },
  );
});

const begin = (name: string) =>
  openRunFolder({ path: join(folder, name), recipe: 'x: 1\n', stages: ['sft', 'ppo'], seeds: {} });

describe('the list of runs', () => {
  it('tells those that run from those that were killed, and passes over what is no run', async () => {
    const [alive, dead] = [await begin('alive'), await begin('dead')];
    await alive.beginStage('sft');
    await dead.beginStage('sft');
    dead.close();
    await mkdir(join(folder, 'something'));
    await writeFile(join(folder, 'notes.txt'), '');
    await symlink(folder, join(folder, 'loop'));
    const states = (await new RunsFolder(folder).list()).map(({ name, state, stages }) => [
      name,
      state,
      stages[0].status,
    ]);
    expect(states.sort()).toEqual([
      ['alive', 'running', 'running'],
      ['dead', 'stopped', 'stopped'],
    ]);
    alive.close();
  });
});

describe('starting', () => {
  it('gives a name to one of two who ask for it at once, so that nobody takes the run of another for theirs', async () => {
    await mkdir(join(folder, 'recipes'));
    for (const name of ['mine.yaml', 'yours.yaml']) await writeFile(join(folder, 'recipes', name), 'x: 1\n');
    const starter = new RunStarter({
      runs: new RunsFolder(join(folder, 'runs')),
      // A run that is over at once.
      command: [process.execPath, '-e', ''],
      recipeFolders: [join(folder, 'recipes')],
    });
    const start = (recipe: string) => starter.start({ recipe, name: 'same' });
    const outcomes = await Promise.allSettled(['mine.yaml', 'yours.yaml'].map(start));
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'conflict', message: expect.stringContaining('just now') } },
    ]);
    // The name is free again once it is settled, here because the run has left no folder.
    await start('yours.yaml');
  });
});

describe('a stream', () => {
  it('tells everything so far and then what comes, to everybody who looks on', async () => {
    const run = await begin('live');
    await run.beginStage('sft');
    const event = (step: number) => ({ stage: 'sft', step, time: 0, metrics: { loss: 1 / step } });
    run.events.append(event(1));
    const streams = new RunStreams(new RunsFolder(folder));
    const leave = new AbortController();
    const seen: [number[], number[]] = [[], []];
    const warnings: string[] = [];
    const listen = (who: 0 | 1) => (message: RunMessage) => {
      if (message.kind === 'reset') seen[who].length = 0;
      if (message.kind === 'events') seen[who].push(...message.events.map(({ step }) => step));
      if (message.kind === 'warnings' && who === 0)
        warnings.push(...message.warnings.map((one) => one.message));
    };
    const following = [streams.follow('live', listen(0), leave.signal)];
    await expect.poll(() => seen[0]).toEqual([1]);
    run.events.append(event(2));
    run.warnings.append({ stage: 'sft', time: 0, message: 'careful' });
    await expect.poll(() => seen[0]).toEqual([1, 2]);
    following.push(streams.follow('live', listen(1), leave.signal));
    await expect.poll(() => seen[1]).toEqual([1, 2]);
    run.events.append(event(3));
    await expect
      .poll(() => seen, { timeout: 5000 })
      .toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ]);
    expect(warnings).toEqual(['careful']);
    leave.abort();
    await Promise.all(following);
    run.close();
  });
});

describe('choosing samples', () => {
  const sample = (
    step: number,
    response: string,
    scores: SampleRecord['scores'],
    rest: Partial<SampleRecord> = {},
  ) => ({
    ...{ stage: 'ppo', step, attempt: 1, prompt: `prompt ${step}`, response, scores },
    ...rest,
  });
  const all: SampleRecord[] = [
    sample(1, 'Fish', { reward: 0.5, gold: 1 }),
    sample(2, 'a long answer about birds', { reward: 2, gold: 0 }, { model: 'm' }),
    sample(3, 'None', { reward: null, gold: 0.2 }, { stage: 'sft' }),
    sample(4, 'fish again', { reward: -1, gold: 0.9 }),
  ];
  const steps = (query: Partial<Parameters<typeof selectSamples>[1]>) =>
    selectSamples(all, { sort: 'written', offset: 0, limit: 10, ...query }).samples.map(({ step }) => step);

  it('filters by text, stage, model and score, and says what there is to choose from', () => {
    expect(steps({ text: 'FISH' })).toEqual([1, 4]);
    expect(steps({ text: 'prompt 2' })).toEqual([2]);
    expect(steps({ stage: 'sft' })).toEqual([3]);
    expect(steps({ model: 'm' })).toEqual([2]);
    expect(steps({ min: 0 })).toEqual([1, 2]);
    expect(steps({ score: 'gold', min: 0.2, max: 0.9 })).toEqual([3, 4]);
    const { stages, models, scores, total } = selectSamples(all, { sort: 'newest', offset: 0, limit: 1 });
    expect({ stages, models, scores, total }).toEqual({
      stages: ['ppo', 'sft'],
      models: ['m'],
      scores: ['reward', 'gold'],
      total: 4,
    });
  });

  it('sorts, with those without the score last, and pages', () => {
    expect(steps({ sort: 'newest' })).toEqual([4, 3, 2, 1]);
    expect(steps({ sort: 'highest' })).toEqual([2, 1, 4, 3]);
    expect(steps({ sort: 'lowest' })).toEqual([4, 1, 2, 3]);
    expect(steps({ sort: 'highest', score: 'gold' })).toEqual([1, 4, 3, 2]);
    expect(steps({ sort: 'longest' })[0]).toBe(2);
    expect(steps({ offset: 1, limit: 2 })).toEqual([2, 3]);
  });
});
