import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { ParameterStore } from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { AdamW } from '../tensor/index.ts';
import { type CheckpointOptions, loadCheckpoint, removeCheckpoints, saveCheckpoint } from './checkpoint.ts';
import { temporaryFolder } from './testing/context.ts';

interface Stage extends CheckpointOptions {
  readonly parameters: ParameterStore;
  readonly optimizer: AdamW;
}

/** A stage with one trained part, in the middle of its work. */
function makeStage(options: { folder?: string; width?: number; part?: string } = {}): Stage {
  const { folder = temporaryFolder(), width = 16, part = 'policy' } = options;
  const { parameters } = tinyModel({ width });
  const optimizer = new AdamW(new Map(parameters.names.map((name) => [name, parameters.view(name)])));
  return { folder, parameters, optimizer, parts: { [part]: { parameters, optimizer } } };
}

function train({ parameters, optimizer }: Stage, steps: number, seed = 1): void {
  const random = new Random(seed);
  for (let step = 0; step < steps; step++) {
    const gradients = parameters.names.map((name): [string, Float32Array] => [
      name,
      parameters.view(name).map(() => random.normal()),
    ]);
    optimizer.accumulate(new Map(gradients));
    optimizer.step(0.01);
  }
}

const newest = 'checkpoint-00000003';

describe('checkpoints', () => {
  it('bring parameters, optimizer and state back bit for bit', async () => {
    const saved = makeStage();
    train(saved, 3);
    const state = { position: { epoch: 1, index: 4 }, third: 1 / 3, list: [0.1, -1e-300] };
    await saveCheckpoint(saved, 3, state, 2);

    const loaded = makeStage({ folder: saved.folder });
    expect(await loadCheckpoint(loaded)).toEqual({ step: 3, state });
    expect(loaded.parameters.hash()).toBe(saved.parameters.hash());
    expect(loaded.optimizer.state).toEqual(saved.optimizer.state);

    train(saved, 2, 7);
    train(loaded, 2, 7);
    expect(loaded.parameters.values).toEqual(saved.parameters.values);
  });

  it('also hold parameters that nothing trains', async () => {
    const saved = makeStage();
    const reference = tinyModel().parameters;
    reference.values[3] = 0.125;
    const parts = { ...saved.parts, reference: { parameters: reference } };
    await saveCheckpoint({ ...saved, parts }, 1, null, 2);

    const loaded = makeStage({ folder: saved.folder });
    const moved = tinyModel().parameters;
    await loadCheckpoint({ ...loaded, parts: { ...loaded.parts, reference: { parameters: moved } } });
    expect(moved.hash()).toBe(reference.hash());
    await expect(loadCheckpoint(loaded)).rejects.toThrow('it also has a "reference"');
  });

  it('are none in an empty folder', async () => {
    expect(await loadCheckpoint(makeStage())).toBeNull();
  });

  it('keep the newest N, in the order of their steps', async () => {
    const stage = makeStage();
    for (const step of [8, 9, 10, 11]) await saveCheckpoint(stage, step, step, 2);
    expect(await readdir(stage.folder)).toEqual(['checkpoint-00000010', 'checkpoint-00000011']);
    expect(await loadCheckpoint(stage)).toMatchObject({ step: 11 });
  });

  it('replace one of the same step, and drop those of an earlier attempt that got further', async () => {
    const stage = makeStage();
    for (const step of [1, 2, 3]) await saveCheckpoint(stage, step, 'first', 9);
    await saveCheckpoint(stage, 2, 'second', 9);
    expect(await readdir(stage.folder)).toEqual(['checkpoint-00000001', 'checkpoint-00000002']);
    expect(await loadCheckpoint(stage)).toEqual({ step: 2, state: 'second' });
  });

  it('ignore what a killed process was writing or deleting, and clean it up', async () => {
    const stage = makeStage();
    await saveCheckpoint(stage, 1, 'whole', 2);
    for (const name of ['.checkpoint-00000002.tmp', '.checkpoint-00000003.old']) {
      await mkdir(join(stage.folder, name));
      await writeFile(join(stage.folder, name, 'state.json'), '{"step"');
    }
    expect(await loadCheckpoint(stage)).toEqual({ step: 1, state: 'whole' });
    await saveCheckpoint(stage, 2, 'next', 2);
    expect(await readdir(stage.folder)).toEqual(['checkpoint-00000001', 'checkpoint-00000002']);
    await mkdir(join(stage.folder, '.checkpoint-00000002.old'));
    await removeCheckpoints(stage.folder);
    expect(await readdir(stage.folder)).toEqual([]);
  });

  const damages: [string, (folder: string) => Promise<void>, string][] = [
    ['changed tensors', (folder) => flipLastByte(join(folder, 'tensors.safetensors')), 'tensors.safetensors'],
    ['missing tensors', (folder) => rm(join(folder, 'tensors.safetensors')), 'tensors.safetensors'],
    [
      'a changed state',
      (folder) => replace(join(folder, 'state.json'), '"step":3', '"step":2'),
      'state.json',
    ],
    ['a cut state', (folder) => writeFile(join(folder, 'state.json'), '{"hash":"sh'), 'state.json'],
    ['a missing state', (folder) => rm(join(folder, 'state.json')), 'state.json'],
  ];
  it.each(damages)('are refused with %s', async (_, damage, file) => {
    const stage = makeStage();
    train(stage, 1);
    await saveCheckpoint(stage, 3, {}, 2);
    const folder = join(stage.folder, newest);
    await damage(folder);
    await expect(loadCheckpoint(stage)).rejects.toThrow(
      `${join(folder, file)} is not as it was saved: changed, incomplete or missing. Remove the folder ${folder} to resume`,
    );
  });

  it.each([
    ['another architecture', { width: 32 }, 'its "policy" has other parameters'],
    ['another part', { part: 'value' }, 'it has no "value"; it also has a "policy"'],
  ])('are refused for %s, before anything is loaded', async (_, options, problem) => {
    const saved = makeStage();
    await saveCheckpoint(saved, 3, {}, 2);
    const other = makeStage({ folder: saved.folder, ...options });
    train(other, 1);
    const before = other.parameters.hash();
    await expect(loadCheckpoint(other)).rejects.toThrow(
      `${join(saved.folder, newest)} was made with another model than this stage trains: ${problem}.`,
    );
    expect(other.parameters.hash()).toBe(before);
    expect(other.optimizer.steps).toBe(1);
  });
});

async function flipLastByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(path, bytes);
}

async function replace(path: string, before: string, after: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  expect(text).toContain(before);
  await writeFile(path, text.replace(before, after));
}
