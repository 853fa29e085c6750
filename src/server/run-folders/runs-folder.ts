/** The folder that runs lie in: which there are, and what they hold. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Evaluation,
  type EventRecord,
  type Manifest,
  outcomeOf,
  readEvaluation,
  readEvents,
  readManifest,
  readSamples,
  readWarnings,
  runningProcess,
  type SampleRecord,
  type StageStatus,
  type WarningRecord,
} from '../../run/index.ts';
import { HttpError } from '../http/http-error.ts';
import { type RecipeOption, recipeOptions } from './recipe-options.ts';

/** A run may stand between being killed and being resumed, which its files alone do not say. */
export type RunState = StageStatus | 'stopped';

export interface RunSummary {
  readonly name: string;
  readonly state: RunState;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly outcome: string | null;
  readonly stages: readonly { readonly name: string; readonly status: RunState }[];
  readonly warnings: number;
}

export interface RunDetails extends RunSummary {
  /** recipe.yaml, as resolved. */
  readonly recipe: string;
  readonly options: readonly RecipeOption[];
  readonly manifest: Manifest;
  readonly warningRecords: readonly WarningRecord[];
  readonly evaluation: Evaluation;
}

/** A plain name directly below the folder: no separators, no dots in front, nothing that leads elsewhere. */
export const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

export class RunsFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** The absolute path of a run by name. @throws HttpError for a name that is not one, or of no run */
  async folderOf(name: string): Promise<string> {
    if (!plainName.test(name))
      throw new HttpError('not-found', `${JSON.stringify(name)} is not the name of a run.`);
    const folder = join(this.path, name);
    const isRun = await stat(join(folder, 'manifest.json')).then(
      (file) => file.isFile(),
      () => false,
    );
    if (!isRun) throw new HttpError('not-found', `There is no run "${name}" in ${this.path}.`);
    return folder;
  }

  /** Newest first; folders that hold no run are passed over. */
  async list(): Promise<RunSummary[]> {
    const entries = await readdir(this.path, { withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      },
    );
    const summaries = await Promise.all(
      entries
        .filter((entry) => plainName.test(entry.name) && (entry.isDirectory() || entry.isSymbolicLink()))
        .map(({ name }) => this.summary(name).catch(() => null)),
    );
    return summaries
      .filter((summary) => summary !== null)
      .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  async summary(name: string): Promise<RunSummary> {
    const folder = await this.folderOf(name);
    const [manifest, warnings] = await Promise.all([readManifest(folder), readWarnings(folder)]);
    return summarise(name, folder, manifest, warnings.length);
  }

  async details(name: string): Promise<RunDetails> {
    const folder = await this.folderOf(name);
    const [recipe, manifest, warningRecords, evaluation, events] = await Promise.all([
      readFile(join(folder, 'recipe.yaml'), 'utf8'),
      readManifest(folder),
      readWarnings(folder),
      readEvaluation(folder),
      readEvents(folder),
    ]);
    const summary = summarise(name, folder, manifest, warningRecords.length, outcomeOf(manifest, events));
    return { ...summary, recipe, options: recipeOptions(recipe), manifest, warningRecords, evaluation };
  }

  async events(name: string): Promise<EventRecord[]> {
    return readEvents(await this.folderOf(name));
  }

  async samples(name: string): Promise<SampleRecord[]> {
    return readSamples(await this.folderOf(name));
  }
}

function summarise(
  name: string,
  folder: string,
  manifest: Manifest,
  warnings: number,
  outcome?: string,
): RunSummary {
  const alive = runningProcess(folder) !== null;
  const state = (status: StageStatus): RunState => (status === 'running' && !alive ? 'stopped' : status);
  return {
    name,
    state: alive ? 'running' : manifest.status === 'waiting' ? 'stopped' : state(manifest.status),
    createdAt: manifest.createdAt,
    finishedAt: manifest.finishedAt ?? null,
    outcome: outcome ?? manifest.outcome ?? null,
    stages: manifest.stages.map((stage) => ({ name: stage.name, status: state(stage.status) })),
    warnings,
  };
}
