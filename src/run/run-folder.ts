/**
 * A run folder: everything one execution of a recipe leaves behind.
 *
 *     recipe.yaml       the recipe as resolved: every default and absolute path written out
 *     manifest.json     inputs with hashes, seeds, versions, machine, status of each stage
 *     events.jsonl      metrics by stage and step          samples.jsonl   generated texts
 *     warnings.jsonl    what was unusual                   evaluation.json tables of results
 *     stages/01-sft/    a stage's checkpoints and models   report.html     all of it to read
 *
 * Files are replaced atomically or appended whole, so a run killed at any moment leaves a folder that can
 * be resumed.
 */
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { hashOf, TenetError, writeFileAtomic } from '../base/index.ts';
import { hubNameOfPath } from '../hub/index.ts';
import { JsonLinesWriter } from './json-lines.ts';
import { lockHolder, takeLock } from './lock.ts';
import { describeMachine, describeVersions } from './machine.ts';
import {
  type InputRecord,
  type Manifest,
  readManifest,
  type StageRecord,
  type StageStatus,
  type StageUse,
  writeManifest,
} from './manifest.ts';

export interface OpenRunFolderOptions {
  /** The folder; created when missing. */
  readonly path: string;
  /** The recipe as resolved, as YAML text. A resumed run must have the same. */
  readonly recipe: string;
  /** The stages in order; each name once. */
  readonly stages: readonly string[];
  /** Seeds by purpose, e.g. `{ run: 42 }`. Default none. */
  readonly seeds?: Readonly<Record<string, number>>;
  /** Name of the run. Default: the folder's name. */
  readonly name?: string;
  /** Continue the run that is in the folder; starts anew where there is none. Default false. */
  readonly resume?: boolean;
  /** Delete the run that is in the folder and start again. Default false. */
  readonly overwrite?: boolean;
}

const LOCK = 'run.lock';
/** What a run that was killed before its manifest was written may have left. */
const beginnings = new RegExp(`^(recipe\\.yaml|manifest\\.json|${LOCK.replace('.', '\\.')})(\\..*)?$`);

/** A run folder opened for writing; made by `openRunFolder`. Only one process at a time has it open. */
export class RunFolder {
  /** Absolute path. */
  readonly path: string;
  /** True when an earlier start of this run was found and is continued. */
  readonly resumed: boolean;
  readonly events: JsonLinesWriter;
  readonly samples: JsonLinesWriter;
  readonly warnings: JsonLinesWriter;
  private state: Manifest;
  private readonly release: () => void;

  constructor(path: string, manifest: Manifest, resumed: boolean, release: () => void) {
    this.path = path;
    this.state = manifest;
    this.resumed = resumed;
    this.release = release;
    this.events = new JsonLinesWriter(join(path, 'events.jsonl'));
    this.samples = new JsonLinesWriter(join(path, 'samples.jsonl'));
    this.warnings = new JsonLinesWriter(join(path, 'warnings.jsonl'));
  }

  /** The manifest as last written. */
  get manifest(): Manifest {
    return this.state;
  }

  /** The record of a stage. */
  stage(name: string): StageRecord {
    const stage = this.state.stages.find((s) => s.name === name);
    if (stage) return stage;
    const known = this.state.stages.map((s) => s.name).join(', ');
    throw new TenetError('usage', `run ${this.state.name} has no stage "${name}"; it has: ${known}.`);
  }

  /** The absolute path of a stage's folder, which is created when missing. */
  stageFolder(name: string): string {
    const folder = join(this.path, this.stage(name).folder);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /**
   * Records what the run reads, and which stage is running. A resumed run must read the same content under the same
   * kind and name.
   * @throws TenetError('data') naming every input whose content has changed since the run began.
   */
  async recordInputs(inputs: readonly InputRecord[]): Promise<void> {
    const merged = [...this.state.inputs];
    const changed: string[] = [];
    const running = this.state.stages.find(({ status }) => status === 'running')?.name;
    for (const given of inputs) {
      const source = hubNameOfPath(given.path);
      const input = {
        ...(running !== undefined && { stage: running }),
        ...given,
        ...(source !== null && { source }),
      };
      const index = merged.findIndex((known) => known.kind === input.kind && known.name === input.name);
      if (index < 0) merged.push(input);
      else if (merged[index].hash !== input.hash) {
        changed.push(`  ${input.name} (${input.path}): was ${merged[index].hash}, is ${input.hash}`);
      } else merged[index] = input;
    }
    if (changed.length > 0) {
      throw new TenetError(
        'data',
        `inputs have changed since run ${this.state.name} began, so resuming it would mix two runs:\n` +
          `${changed.join('\n')}\nRestore them, or start a new run in another folder.`,
      );
    }
    await this.update({ inputs: merged });
  }

  /** Marks a stage as running, and counts the attempt. */
  async beginStage(name: string): Promise<void> {
    const { startedAt, attempts } = this.stage(name);
    await this.updateStage(name, {
      status: 'running',
      attempts: attempts + 1,
      startedAt: startedAt ?? now(),
      finishedAt: undefined,
      error: undefined,
    });
  }

  /** Records which model or data a stage starts from; a resumed stage says it again. */
  async recordUse(stageName: string, use: StageUse): Promise<void> {
    const others = (this.stage(stageName).uses ?? []).filter(
      ({ kind, role }) => kind !== use.kind || role !== use.role,
    );
    const stages = this.state.stages.map((stage) =>
      stage.name === stageName ? { ...stage, uses: [...others, use] } : stage,
    );
    await this.update({ stages });
  }

  /** Marks a stage as finished with its results (anything JSON can hold). */
  async finishStage(name: string, results: unknown): Promise<void> {
    this.sync();
    await this.updateStage(name, { status: 'finished', finishedAt: now(), results });
  }

  /** Marks a stage as failed or interrupted by an error. */
  async failStage(name: string, error: unknown): Promise<void> {
    this.sync();
    const interrupted = TenetError.is(error) && error.code === 'interrupted';
    const message = error instanceof Error ? error.message : String(error);
    await this.updateStage(name, {
      status: interrupted ? 'interrupted' : 'failed',
      finishedAt: now(),
      error: interrupted ? undefined : message,
    });
  }

  /** Marks the run as finished. @param outcome one sentence for the head of the report. */
  async finish(outcome?: string): Promise<void> {
    await this.update({ status: 'finished', finishedAt: now(), outcome });
  }

  /** Closes the files and gives the lock back. */
  close(): void {
    for (const file of [this.events, this.samples, this.warnings]) file.close();
    this.release();
  }

  private sync(): void {
    for (const file of [this.events, this.samples, this.warnings]) file.sync();
  }

  private async updateStage(name: string, change: Partial<StageRecord>): Promise<void> {
    const stages = this.state.stages.map((stage) => (stage.name === name ? { ...stage, ...change } : stage));
    const status: StageStatus = change.status === 'finished' ? 'running' : (change.status ?? 'running');
    await this.update({ stages, status });
  }

  private async update(change: Partial<Manifest>): Promise<void> {
    const manifest = { ...this.state, ...change };
    await writeManifest(this.path, manifest);
    this.state = manifest;
  }
}

/** The process that has a run folder open for writing, or null. */
export function runningProcess(runFolder: string): { readonly pid: number; readonly host: string } | null {
  return lockHolder(join(resolve(runFolder), LOCK));
}

/**
 * Creates a run folder, or opens the one of an earlier start to resume it.
 * @throws TenetError('usage') when the folder holds a run and neither `resume` nor `overwrite` is set, holds
 *   something that is not a run, is in use by another process, or holds the run of another recipe.
 */
export async function openRunFolder(options: OpenRunFolderOptions): Promise<RunFolder> {
  const path = resolve(options.path);
  refuseRepeatedNames(options.stages);
  if (options.resume && options.overwrite) {
    throw new TenetError('usage', 'resume and overwrite exclude each other: continue the run, or delete it.');
  }
  await mkdir(path, { recursive: true });
  let release = takeLock(join(path, LOCK), `run folder ${path}`);
  try {
    const entries = await readdir(path);
    const exists = entries.includes('manifest.json');
    if (!exists) refuseForeignFolder(path, entries);
    else if (options.resume) return await resumeRun(path, options, release);
    else if (options.overwrite) {
      const aside = await moveAside(path);
      release();
      await mkdir(path, { recursive: true });
      release = takeLock(join(path, LOCK), `run folder ${path}`);
      await rm(aside, { recursive: true, force: true });
    } else throw folderTaken(path, await readManifest(path));
    return await beginRun(path, options, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function beginRun(
  path: string,
  options: OpenRunFolderOptions,
  release: () => void,
): Promise<RunFolder> {
  const manifest: Manifest = {
    format: 1,
    name: options.name ?? basename(path),
    createdAt: now(),
    status: 'waiting',
    recipeHash: hashOf(options.recipe),
    seeds: options.seeds ?? {},
    attempts: [{ startedAt: now(), versions: describeVersions(), machine: describeMachine() }],
    inputs: [],
    stages: options.stages.map((name, index) => ({
      name,
      folder: `stages/${String(index + 1).padStart(2, '0')}-${name}`,
      status: 'waiting',
      attempts: 0,
    })),
  };
  await writeFileAtomic(join(path, 'recipe.yaml'), options.recipe);
  await writeManifest(path, manifest); // from here on the folder is a run
  return new RunFolder(path, manifest, false, release);
}

async function resumeRun(
  path: string,
  options: OpenRunFolderOptions,
  release: () => void,
): Promise<RunFolder> {
  const before = await readManifest(path);
  if (before.recipeHash !== hashOf(options.recipe)) {
    const stored = await readFile(join(path, 'recipe.yaml'), 'utf8');
    throw new TenetError(
      'usage',
      `the recipe differs from the one that run ${before.name} began with, so it cannot be resumed with it:\n` +
        `${firstDifference(stored, options.recipe)}\n` +
        `Undo the change (the recipe as begun is ${join(path, 'recipe.yaml')}), or start a new run in another folder.`,
    );
  }
  const attempt = { startedAt: now(), versions: describeVersions(), machine: describeMachine() };
  const manifest: Manifest = {
    ...before,
    attempts: [...before.attempts, attempt],
    status: before.status === 'finished' ? 'finished' : 'running',
  };
  await writeManifest(path, manifest);
  const run = new RunFolder(path, manifest, true, release);
  for (const difference of differences(before.attempts[0], attempt)) {
    const message = `resumed with another ${difference}: the result may differ from that of an uninterrupted run.`;
    run.warnings.append({ stage: '', time: Date.now(), message });
  }
  return run;
}

/** What decides bit-for-bit equality and differs between two starts of a run. */
function differences(first: Manifest['attempts'][number], later: Manifest['attempts'][number]): string[] {
  const pairs: [string, string | number, string | number][] = [
    ['Tenet version', first.versions.tenet, later.versions.tenet],
    ['ONNX Runtime version', first.versions.onnxruntime, later.versions.onnxruntime],
    ['processor', first.machine.cpu, later.machine.cpu],
    ['number of cores', first.machine.cores, later.machine.cores],
  ];
  return pairs.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what} (${b}, before ${a})`);
}

function refuseRepeatedNames(stages: readonly string[]): void {
  const repeated = stages.find((name, index) => stages.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new TenetError('usage', `stage name "${repeated}" is used twice; give each stage its own name.`);
  }
  const unsafe = stages.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name));
  if (unsafe !== undefined) {
    throw new TenetError(
      'usage',
      `stage name ${JSON.stringify(unsafe)} cannot name a folder; use letters, digits, ".", "_" and "-".`,
    );
  }
}

function refuseForeignFolder(path: string, entries: readonly string[]): void {
  const foreign = entries.filter((name) => !beginnings.test(name));
  if (foreign.length === 0) return;
  const some = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '');
  throw new TenetError(
    'usage',
    `${path} is not empty and not a run folder (it holds ${some}, no manifest.json); choose another folder with --output.`,
  );
}

function folderTaken(path: string, manifest: Manifest): TenetError {
  return new TenetError(
    'usage',
    `${path} already holds run ${manifest.name} (${manifest.status}, begun ${manifest.createdAt}). Three ways out:\n` +
      '  --resume           continue that run where it stopped\n' +
      '  --output <folder>  write the new run to another folder\n' +
      '  --overwrite        delete that run and start again',
    { details: { path, status: manifest.status } },
  );
}

/** Renames a run folder in one step, so that no half-deleted run can ever be taken for a whole one. */
async function moveAside(path: string): Promise<string> {
  const aside = `${path}.deleted-${Date.now().toString(36)}`;
  await rename(path, aside);
  return aside;
}

function firstDifference(before: string, after: string): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const index = a.findIndex((line, i) => line !== b[i]);
  const line = index < 0 ? a.length : index;
  return `  line ${line + 1}, begun with: ${a[line]?.trim() ?? '(end)'}\n  line ${line + 1}, now:        ${b[line]?.trim() ?? '(end)'}`;
}

function now(): string {
  return new Date().toISOString();
}
