/**
 * Checkpoints: everything a stage needs to continue as if it had never stopped.
 *
 * A checkpoint is a folder `checkpoint-<step>` with `tensors.safetensors` (parameters and optimizer moments,
 * float32) and `state.json` (the stage's own state). It appears whole or not at all.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, syncFolder, TenetError } from '../base/index.ts';
import { type ParameterStore, SafetensorsFile, writeSafetensors } from '../model/index.ts';
import type { AdamWState } from '../tensor/index.ts';

/** What is saved under one name: a model's parameters, with the optimizer that trains them. */
export interface CheckpointPart {
  readonly parameters: ParameterStore;
  readonly optimizer: { readonly state: AdamWState; restore(state: AdamWState): void };
}

export interface CheckpointOptions {
  /** The stage's folder. */
  readonly folder: string;
  /** By name, e.g. `policy`, `value`. */
  readonly parts: Readonly<Record<string, CheckpointPart>>;
}

/**
 * Saves a checkpoint and removes older ones.
 * @param state plain data: generator states, data position, controllers, metrics in progress
 * @param keep  checkpoints that stay, this one included
 */
export async function saveCheckpoint(
  options: CheckpointOptions,
  step: number,
  state: unknown,
  keep: number,
): Promise<void> {
  const name = `checkpoint-${String(step).padStart(8, '0')}`;
  const temporary = join(options.folder, `.${name}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const tensors: { name: string; shape: readonly number[]; data: Float32Array }[] = [];
  const steps: Record<string, number> = {};
  for (const [part, { parameters, optimizer }] of Object.entries(options.parts)) {
    const { step: updates, firstMoment, secondMoment } = optimizer.state;
    steps[part] = updates;
    tensors.push(
      { name: `${part}.parameters`, shape: [parameters.values.length], data: parameters.values },
      { name: `${part}.firstMoment`, shape: [firstMoment.length], data: firstMoment },
      { name: `${part}.secondMoment`, shape: [secondMoment.length], data: secondMoment },
    );
  }
  const tensorPath = join(temporary, 'tensors.safetensors');
  await writeSafetensors(tensorPath, tensors, { dtype: 'float32' });
  const content = { step, optimizerSteps: steps, tensors: await hashFile(tensorPath), state };
  await writeFile(join(temporary, 'state.json'), JSON.stringify(content), { flush: true });
  await syncFolder(temporary);
  const target = join(options.folder, name);
  await rm(target, { recursive: true, force: true });
  await rename(temporary, target);
  await syncFolder(options.folder);
  for (const old of (await checkpointNames(options.folder)).slice(0, -keep)) {
    await rm(join(options.folder, old), { recursive: true, force: true });
  }
}

/**
 * Restores the newest checkpoint into the parts.
 * @returns its step and state, or null when there is none
 * @throws TenetError('data') when the checkpoint does not fit the parts or its content was changed
 */
export async function loadCheckpoint<State>(
  options: CheckpointOptions,
): Promise<{ step: number; state: State } | null> {
  const newest = (await checkpointNames(options.folder)).at(-1);
  if (!newest) return null;
  const folder = join(options.folder, newest);
  const content = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as {
    step: number;
    optimizerSteps: Record<string, number>;
    tensors: string;
    state: State;
  };
  const tensorPath = join(folder, 'tensors.safetensors');
  if ((await hashFile(tensorPath)) !== content.tensors) {
    throw new TenetError(
      'data',
      `${tensorPath} was changed since it was saved; remove ${folder} to resume from an older one`,
    );
  }
  const file = await SafetensorsFile.open(tensorPath);
  try {
    for (const [part, { parameters, optimizer }] of Object.entries(options.parts)) {
      const moments = optimizer.state;
      const targets = {
        parameters: parameters.values,
        firstMoment: moments.firstMoment.slice(),
        secondMoment: moments.secondMoment.slice(),
      };
      for (const [name, target] of Object.entries(targets)) await file.readInto(`${part}.${name}`, target);
      optimizer.restore({ step: content.optimizerSteps[part], ...targets });
    }
  } finally {
    await file.close();
  }
  return { step: content.step, state: content.state };
}

/** Removes all checkpoints of a finished stage. */
export async function removeCheckpoints(folder: string): Promise<void> {
  for (const name of await checkpointNames(folder))
    await rm(join(folder, name), { recursive: true, force: true });
}

/** Complete checkpoints, oldest first. */
async function checkpointNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder);
  return entries.filter((name) => /^checkpoint-\d+$/.test(name)).sort();
}
