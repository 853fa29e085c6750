import { appendFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TenetError } from '../base/index.ts';
import {
  openRunFolder,
  type RunFolder,
  readEvents,
  readManifest,
  readSamples,
  readWarnings,
  runStage,
} from './index.ts';

const recipe = 'seed: 1\nlr: 0.1\n';
const stages = ['sft', 'ppo'];
const { signal } = new AbortController();

let path: string;
let opened: RunFolder[] = [];

async function open(
  options: { recipe?: string; resume?: boolean; overwrite?: boolean } = {},
): Promise<RunFolder> {
  const run = await openRunFolder({ path, recipe, stages, seeds: { run: 1 }, ...options });
  opened.push(run);
  return run;
}

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'tenet-run-')), 'run');
});
afterEach(async () => {
  for (const run of opened) run.close();
  opened = [];
  await rm(join(path, '..'), { recursive: true });
});

describe('openRunFolder', () => {
  it('begins a run: recipe, manifest, a folder per stage', async () => {
    const run = await open();
    expect(await readFile(join(path, 'recipe.yaml'), 'utf8')).toBe(recipe);
    const manifest = await readManifest(path);
    expect(manifest).toMatchObject({ format: 1, name: 'run', status: 'waiting', seeds: { run: 1 } });
    expect(manifest.attempts[0].versions).toMatchObject({
      node: process.versions.node,
      onnxruntime: '1.30.0',
    });
    expect(manifest.attempts[0].machine.cores).toBeGreaterThan(0);
    expect(manifest.stages.map((stage) => stage.folder)).toEqual(['stages/01-sft', 'stages/02-ppo']);
    expect((await stat(run.stageFolder('ppo'))).isDirectory()).toBe(true);
  });

  it('refuses a folder with a run in it and names the three ways out', async () => {
    (await open()).close();
    const refusal = open();
    await expect(refusal).rejects.toMatchObject({ code: 'usage' });
    await expect(refusal).rejects.toThrow(/already holds run run.*--resume.*--output.*--overwrite/s);
  });

  it('refuses a folder with something else in it, also with overwrite', async () => {
    await mkdir(path);
    await writeFile(join(path, 'thesis.doc'), 'precious');
    for (const options of [{}, { resume: true }, { overwrite: true }]) {
      await expect(open(options)).rejects.toThrow(/not a run folder \(it holds thesis\.doc/);
    }
    expect(await readdir(path)).toEqual(['thesis.doc']);
  });

  it('starts anew on resume where a run was killed before its manifest', async () => {
    await mkdir(path);
    await writeFile(join(path, 'recipe.yaml'), 'half');
    const run = await open({ resume: true });
    expect(run.resumed).toBe(false);
    expect(await readFile(join(path, 'recipe.yaml'), 'utf8')).toBe(recipe);
  });

  it('overwrites a run whole', async () => {
    const old = await open();
    await writeFile(join(old.stageFolder('sft'), 'model.bin'), 'old');
    old.events.append({ stage: 'sft', step: 1, time: 0, metrics: { loss: 1 } });
    old.close();
    const run = await open({ overwrite: true });
    expect(run.resumed).toBe(false);
    expect(await readEvents(path)).toEqual([]);
    expect(await readdir(join(path, '..'))).toEqual(['run']);
    expect(await readdir(path)).not.toContain('stages');
  });

  it('refuses to resume with another recipe and shows the first difference', async () => {
    (await open()).close();
    await expect(open({ resume: true, recipe: 'seed: 1\nlr: 0.2\n' })).rejects.toThrow(
      /line 2, begun with: lr: 0\.1\n {2}line 2, now: {8}lr: 0\.2/,
    );
  });

  it('lets one process at a time in', async () => {
    await open();
    await expect(open({ resume: true })).rejects.toThrow(`is in use by process ${process.pid}`);
  });

  it('refuses inputs that changed since the run began, all by name', async () => {
    const input = (name: string, hash: string) => ({
      kind: 'data' as const,
      name,
      path: `${name}.jsonl`,
      hash,
    });
    const run = await open();
    await run.recordInputs([input('a', 'sha256:1'), input('b', 'sha256:2'), input('c', 'sha256:3')]);
    run.close();
    const resumed = await open({ resume: true });
    await expect(
      resumed.recordInputs([input('a', 'sha256:9'), input('b', 'sha256:2'), input('c', 'sha256:8')]),
    ).rejects.toThrow(/a \(a\.jsonl\): was sha256:1, is sha256:9\n.*c \(c\.jsonl\)/);
    expect(resumed.manifest.inputs).toHaveLength(3);
  });

  it('warns when a run is resumed by other versions', async () => {
    (await open()).close();
    const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
    manifest.attempts[0].versions.onnxruntime = '1.0.0';
    await writeFile(join(path, 'manifest.json'), JSON.stringify(manifest));
    (await open({ resume: true })).close();
    expect((await readWarnings(path)).map(({ message }) => message)).toEqual([
      expect.stringContaining('another ONNX Runtime version (1.30.0, before 1.0.0)'),
    ]);
  });

  it.each([
    [['sft', 'sft'], 'is used twice'],
    [['../up'], 'cannot name a folder'],
  ])('refuses stage names %j', async (names, message) => {
    await expect(openRunFolder({ path, recipe, stages: names })).rejects.toThrow(message);
  });
});

describe('runStage', () => {
  it('records results and skips the finished stage on resume, giving them again', async () => {
    let calls = 0;
    const body = async () => ({ loss: 0.5, call: ++calls });
    const run = await open();
    expect(await runStage(run, 'sft', { signal }, body)).toEqual({ loss: 0.5, call: 1 });
    run.close();
    const resumed = await open({ resume: true });
    expect(await runStage(resumed, 'sft', { signal }, body)).toEqual({ loss: 0.5, call: 1 });
    expect(calls).toBe(1);
    expect(resumed.stage('sft')).toMatchObject({ status: 'finished', attempts: 1 });
  });

  it.each([
    [new TenetError('training', 'the loss is NaN'), 'failed', 'the loss is NaN'],
    [new TenetError('interrupted', 'saved'), 'interrupted', undefined],
  ])('records how a stage ended: %s', async (error, status, message) => {
    const run = await open();
    const attempt = runStage(run, 'sft', { signal }, async () => {
      throw error;
    });
    await expect(attempt).rejects.toBe(error);
    const manifest = await readManifest(path);
    expect(manifest.status).toBe(status);
    expect(manifest.stages[0]).toMatchObject({ status });
    expect(manifest.stages[0].error).toBe(message);
  });

  it('tells a stage to resume when it was begun before, and only then', async () => {
    const seen: boolean[] = [];
    const run = await open();
    const stop = runStage(run, 'sft', { signal }, async (context) => {
      seen.push(context.resume);
      throw new TenetError('interrupted', 'saved');
    });
    await expect(stop).rejects.toThrow();
    run.close();
    const resumed = await open({ resume: true });
    for (const stage of stages)
      await runStage(resumed, stage, { signal }, async (c) => void seen.push(c.resume));
    expect(seen).toEqual([false, true, false]);
  });
});

describe('the files of a run', () => {
  /** A stage that stops after `until` steps of which the first `checkpoint` are saved. */
  async function train(run: RunFolder, from: number, until: number): Promise<void> {
    await run.beginStage('sft');
    await runStage(run, 'ppo', { signal }, async (context) => {
      if (from === 1)
        for (const response of ['a', 'b']) context.sample({ step: 0, prompt: 'p', response, scores: {} });
      for (let step = from; step <= until; step++) {
        context.event(step, { loss: 1 / step, attempt: from });
        if (step % 2 === 0) {
          context.event(step, { evalLoss: 2 / step });
          for (const response of ['x', 'y']) {
            context.sample({ step, prompt: 'p', response: `${response}${from}`, scores: { reward: step } });
          }
        }
      }
      context.warn('unusual');
      throw new TenetError('interrupted', 'saved');
    }).catch(() => {});
    run.close();
  }

  it('resumed, read as one run: later lines supersede earlier ones step by step', async () => {
    await train(await open(), 1, 6);
    await train(await open({ resume: true }), 4, 7); // the checkpoint was at step 3
    const events = await readEvents(path);
    expect(events.map(({ step, metrics }) => [step, metrics.attempt, metrics.evalLoss])).toEqual([
      [1, 1, undefined],
      [2, 1, 1],
      [3, 1, undefined],
      [4, 4, 0.5],
      [5, 4, undefined],
      [6, 4, 2 / 6],
      [7, 4, undefined],
    ]);
    const samples = await readSamples(path);
    expect(samples.map(({ step, response }) => `${step}${response}`).sort()).toEqual(
      ['0a', '0b', '2x1', '2y1', '4x4', '4y4', '6x4', '6y4'].sort(),
    );
    expect(await readWarnings(path)).toHaveLength(1);
  });

  it('survive a write cut in the middle: readers ignore the tail, the next writer removes it', async () => {
    const run = await open();
    run.events.append({ stage: 'sft', step: 1, time: 0, metrics: { loss: 1 } });
    run.close();
    appendFileSync(join(path, 'events.jsonl'), '{"stage":"sft","step":2,"metr');
    expect((await readEvents(path)).map(({ step }) => step)).toEqual([1]);
    const resumed = await open({ resume: true });
    resumed.events.append({ stage: 'sft', step: 2, time: 0, metrics: { loss: Number.NaN } });
    expect(await readEvents(path)).toMatchObject([{ step: 1 }, { step: 2, metrics: { loss: null } }]);
    expect(await readFile(join(path, 'events.jsonl'), 'utf8')).toMatch(/^\{.*\}\n\{.*\}\n$/);
  });

  it('are repaired also when nothing but a cut line, longer than a read buffer, is in them', async () => {
    (await open()).close();
    await writeFile(join(path, 'events.jsonl'), 'x'.repeat(200_000));
    (await open({ resume: true })).close();
    expect((await stat(join(path, 'events.jsonl'))).size).toBe(0);
  });
});
