/**
 * Checkpoints: everything a stage needs to continue as if it had never stopped.
 *
 * A checkpoint is a folder `checkpoint-<step>` with `tensors.safetensors` (parameters and optimizer moments,
 * float32) and `state.json` (the stage's own state). It appears whole or not at all.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, hashOf, syncFolder, TenetError } from '../base/index.ts';
import { type ParameterStore, SafetensorsFile, writeSafetensors } from '../model/index.ts';
import type { AdamWState } from '../tensor/index.ts';

/** What is saved under one name: a model's parameters, with the optimizer that trains them if there is one. */
export interface CheckpointPart {
  readonly parameters: ParameterStore;
  /** None: parameters that change without being trained, such as a reference model that follows the policy. */
  readonly optimizer?: { readonly state: AdamWState; restore(state: AdamWState): void };
}

export interface CheckpointOptions {
  /** The stage's folder. */
  readonly folder: string;
  /** By name, e.g. `policy`, `value`. */
  readonly parts: Readonly<Record<string, CheckpointPart>>;
}

/** `state.json` */
interface CheckpointFile {
  /** Of `content` as JSON. */
  readonly hash: string;
  readonly content: CheckpointContent;
}

interface CheckpointContent {
  readonly step: number;
  /** Hash of `tensors.safetensors`. */
  readonly tensors: string;
  readonly parts: Readonly<Record<string, { readonly updates: number; readonly layout: string }>>;
  readonly state: unknown;
}

/**
 * Saves a checkpoint and removes others: older ones beyond `keep`, and those of later steps, which an earlier
 * attempt in the same folder has left.
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
  await removeLeftovers(options.folder);
  const temporary = join(options.folder, `.${name}.tmp`);
  await mkdir(temporary, { recursive: true });
  const tensors: { name: string; shape: readonly number[]; data: Float32Array }[] = [];
  const parts: Record<string, { updates: number; layout: string }> = {};
  for (const [part, { parameters, optimizer }] of Object.entries(options.parts)) {
    const arrays = { parameters: parameters.values, ...(optimizer && momentsOf(optimizer.state)) };
    parts[part] = { updates: optimizer?.state.step ?? 0, layout: layoutOf(parameters) };
    for (const [name, data] of Object.entries(arrays)) {
      tensors.push({ name: `${part}.${name}`, shape: [data.length], data });
    }
  }
  const tensorPath = join(temporary, 'tensors.safetensors');
  await writeSafetensors(tensorPath, tensors, { dtype: 'float32' });
  const content: CheckpointContent = { step, tensors: await hashFile(tensorPath), parts, state };
  const file: CheckpointFile = { hash: hashOf(JSON.stringify(content)), content };
  await writeFile(join(temporary, 'state.json'), JSON.stringify(file), { flush: true });
  await syncFolder(temporary);
  await remove(options.folder, [name]); // only there when an earlier attempt saved the same step
  await rename(temporary, join(options.folder, name));
  await syncFolder(options.folder);
  const names = await checkpointNames(options.folder);
  const place = names.indexOf(name);
  await remove(options.folder, [...names.slice(0, Math.max(0, place + 1 - keep)), ...names.slice(place + 1)]);
}

/**
 * Restores the newest checkpoint into the parts.
 * @returns its step and state, or null when there is none
 * @throws TenetError('data') when its content was changed, or it was made by a stage with another model; the
 *   parts are then as they were
 */
export async function loadCheckpoint<State>(
  options: CheckpointOptions,
): Promise<{ step: number; state: State } | null> {
  const newest = (await checkpointNames(options.folder)).at(-1);
  if (!newest) return null;
  const folder = join(options.folder, newest);
  const content = await readContent(folder);
  const tensorPath = join(folder, 'tensors.safetensors');
  if ((await hashFile(tensorPath).catch(() => null)) !== content.tensors) throw damaged(tensorPath, folder);
  refuseOtherParts(options.parts, content, folder);
  const file = await SafetensorsFile.open(tensorPath);
  try {
    for (const [part, { parameters, optimizer }] of Object.entries(options.parts)) {
      await file.readInto(`${part}.parameters`, parameters.values);
      if (!optimizer) continue;
      const { firstMoment, secondMoment } = momentsOf(optimizer.state);
      const moments = { firstMoment: firstMoment.slice(), secondMoment: secondMoment.slice() };
      for (const [name, target] of Object.entries(moments)) await file.readInto(`${part}.${name}`, target);
      optimizer.restore({ step: content.parts[part].updates, ...moments });
    }
  } finally {
    await file.close();
  }
  return { step: content.step, state: content.state as State };
}

/** The step of the newest checkpoint in a folder; null where there is none. */
export async function newestCheckpoint(folder: string): Promise<number | null> {
  const newest = (await checkpointNames(folder)).at(-1);
  return newest === undefined ? null : Number(newest.slice('checkpoint-'.length));
}

/** Removes all checkpoints of a finished stage. */
export async function removeCheckpoints(folder: string): Promise<void> {
  await remove(folder, await checkpointNames(folder));
  await removeLeftovers(folder);
}

function momentsOf({ firstMoment, secondMoment }: AdamWState): Omit<AdamWState, 'step'> {
  return { firstMoment, secondMoment };
}

async function readContent(folder: string): Promise<CheckpointContent> {
  const path = join(folder, 'state.json');
  let file: CheckpointFile;
  try {
    file = JSON.parse(await readFile(path, 'utf8')) as CheckpointFile;
    if (file.hash === hashOf(JSON.stringify(file.content))) return file.content;
  } catch (cause) {
    throw damaged(path, folder, cause);
  }
  throw damaged(path, folder);
}

function damaged(path: string, folder: string, cause?: unknown): TenetError {
  return new TenetError(
    'data',
    `${path} is not as it was saved: changed, incomplete or missing. Remove the folder ${folder} to resume from an ` +
      'older checkpoint, or from the beginning of the stage if there is none.',
    { details: { path }, cause },
  );
}

/** A checkpoint of another architecture would be read into the wrong places. */
function refuseOtherParts(
  parts: CheckpointOptions['parts'],
  content: CheckpointContent,
  folder: string,
): void {
  const problems = Object.entries(parts).flatMap(([part, { parameters }]) => {
    if (!(part in content.parts)) return `it has no "${part}"`;
    return content.parts[part].layout === layoutOf(parameters) ? [] : `its "${part}" has other parameters`;
  });
  const others = Object.keys(content.parts).filter((part) => !(part in parts));
  for (const part of others) problems.push(`it also has a "${part}"`);
  if (problems.length === 0) return;
  throw new TenetError(
    'data',
    `${folder} was made with another model than this stage trains: ${problems.join('; ')}. ` +
      'Resume with the model and options that the stage began with, or start it in another folder.',
    { details: { folder, problems } },
  );
}

/** Tells apart stores whose parameters differ in name, shape or order. */
function layoutOf({ specs }: ParameterStore): string {
  return hashOf(JSON.stringify(specs.map(({ name, shape }) => [name, shape])));
}

/** A folder that is being deleted must never be taken for a checkpoint, so it loses its name first. */
async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const doomed = join(folder, `.${name}.old`);
    await rm(doomed, { recursive: true, force: true });
    await rename(join(folder, name), doomed).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(doomed, { recursive: true, force: true });
  }
}

/** What killed processes were writing or deleting. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^\.checkpoint-\d+\.(tmp|old)$/.test(name)) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Complete checkpoints, oldest first. */
async function checkpointNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder);
  return entries.filter((name) => /^checkpoint-\d+$/.test(name)).sort();
}
