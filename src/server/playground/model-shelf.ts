/**
 * The models that people may talk with: what runs have made, what they began with, and what the server was told of. Opened
 * when they are asked for, closed when others need the memory or nobody has asked for a while. People name a model by its
 * place in this list, never by a path.
 */
import { basename, join, resolve } from 'node:path';
import { exists } from '../../base/index.ts';
import { type LanguageModel, openModel } from '../../llm/index.ts';
import { type Manifest, readManifest, resolveModelSpec } from '../../run/index.ts';
import { HttpError } from '../http/http-error.ts';
import type { RunsFolder } from '../run-folders/runs-folder.ts';

export interface ShelfModel {
  /** What people call it: `<run>/<stage>`, or the name of a folder or of a provider's model. */
  readonly name: string;
  readonly from: 'run' | 'base' | 'given';
}

interface Entry extends ShelfModel {
  /** As `openModel` takes it. */
  readonly spec: () => Promise<string>;
}

interface Open {
  readonly model: Promise<LanguageModel>;
  users: number;
  usedAt: number;
}

export interface ModelShelfOptions {
  readonly runs: RunsFolder;
  /** Models besides those of runs, as `openModel` takes them; also run and model folders. */
  readonly given?: readonly string[];
  /** Default: `openModel`, without retries, because somebody is looking on and can ask again. */
  readonly open?: (spec: string) => Promise<LanguageModel>;
  /** Models held in memory at once. Default 3: two to talk with and one to try principles on. */
  readonly most?: number;
  /** Milliseconds after which a model that nobody uses is closed. Default 15 minutes. */
  readonly idleMs?: number;
}

const defaultIdleMs = 15 * 60_000;
const sweepEveryMs = 60_000;

export class ModelShelf {
  private readonly options: Required<ModelShelfOptions>;
  private readonly opened = new Map<string, Open>();
  private readonly sweep: NodeJS.Timeout;

  constructor({ runs, given = [], most = 3, idleMs = defaultIdleMs, open = openOnce }: ModelShelfOptions) {
    this.options = { runs, given, most, idleMs, open };
    this.sweep = setInterval(() => void this.closeIdle(), sweepEveryMs);
    this.sweep.unref();
  }

  /** Given ones first, then those of runs, the newest run first and its last stage first. */
  async list(): Promise<ShelfModel[]> {
    return (await this.entries()).map(({ name, from }) => ({ name, from }));
  }

  /**
   * Lends a model for a piece of work.
   * @throws HttpError when there is no such model, or too many others are at work
   */
  async use<T>(name: string, work: (model: LanguageModel) => Promise<T>): Promise<T> {
    const open = this.take(name) ?? (await this.open(name));
    try {
      return await work(await open.model);
    } finally {
      open.users--;
      open.usedAt = Date.now();
    }
  }

  /** @throws HttpError naming what is not there */
  async expect(names: readonly string[]): Promise<void> {
    const known = new Set((await this.entries()).map(({ name }) => name));
    const missing = names.find((name) => !known.has(name));
    if (missing !== undefined) throw noModel(missing);
  }

  async close(): Promise<void> {
    clearInterval(this.sweep);
    await Promise.all([...this.opened.keys()].map((name) => this.put(name)));
  }

  /** A model that is open, counted as in use. */
  private take(name: string): Open | undefined {
    const open = this.opened.get(name);
    if (open) {
      open.users++;
      open.usedAt = Date.now();
    }
    return open;
  }

  private async open(name: string): Promise<Open> {
    const entry = (await this.entries()).find((one) => one.name === name);
    if (!entry) throw noModel(name);
    // Others open and close models while this one waits, so that each look is followed by its step without a pause.
    for (;;) {
      const known = this.take(name);
      if (known) return known;
      if (this.opened.size < this.options.most) return this.begin(entry);
      await this.closeOldest();
    }
  }

  private begin({ name, spec }: Entry): Open {
    const open: Open = {
      model: spec().then((resolved) => this.options.open(resolved)),
      users: 1,
      usedAt: Date.now(),
    };
    this.opened.set(name, open);
    // One that cannot be opened is tried anew the next time.
    open.model.catch(() => this.opened.delete(name));
    return open;
  }

  /** Closes the model that has been idle for longest. */
  private async closeOldest(): Promise<void> {
    const idle = [...this.opened].filter(([, { users }]) => users === 0);
    if (idle.length === 0) {
      throw new HttpError(
        'unavailable',
        `${this.opened.size} other models are at work, and there is room for no more; try again in a moment.`,
      );
    }
    const [oldest] = idle.reduce((a, b) => (b[1].usedAt < a[1].usedAt ? b : a));
    await this.put(oldest);
  }

  private async closeIdle(): Promise<void> {
    const before = Date.now() - this.options.idleMs;
    const idle = [...this.opened].filter(([, { users, usedAt }]) => users === 0 && usedAt < before);
    await Promise.all(idle.map(([name]) => this.put(name)));
  }

  /** Closes a model. */
  private async put(name: string): Promise<void> {
    const open = this.opened.get(name);
    this.opened.delete(name);
    await open?.model.then(
      (model) => model.close(),
      () => undefined, // it was never open
    );
  }

  private async entries(): Promise<Entry[]> {
    const { runs, given } = this.options;
    const found: Entry[] = given.map((spec) => ({
      ...{ name: nameOf(spec), from: 'given' as const },
      spec: () => resolveModelSpec(spec),
    }));
    const bases = new Map<string, Entry>();
    for (const { name } of await runs.list()) {
      const folder = await runs.folderOf(name).catch(() => null);
      const manifest = folder === null ? null : await readManifest(folder).catch(() => null);
      if (folder === null || manifest === null) continue;
      found.push(...modelsOf(name, folder, manifest));
      for (const path of basesOf(manifest)) {
        if (bases.has(path) || !(await exists(join(path, 'config.json')))) continue;
        const base = { name: basename(path), from: 'base' as const };
        bases.set(path, { ...base, spec: () => Promise.resolve(`local:${path}`) });
      }
    }
    return distinct([...found, ...bases.values()]);
  }
}

function openOnce(spec: string): Promise<LanguageModel> {
  return openModel(spec, { retry: { retries: 0 } });
}

function modelsOf(run: string, folder: string, { stages }: Manifest): Entry[] {
  return stages
    .flatMap(({ name, results }): Entry[] => {
      const { model } = (results ?? {}) as {
        readonly model?: { readonly folder: string; readonly head: string };
      };
      if (model?.head !== 'causal') return [];
      const spec = `local:${join(folder, model.folder)}`;
      return [{ name: `${run}/${name}`, from: 'run', spec: () => Promise.resolve(spec) }];
    })
    .toReversed();
}

/** Folders of models that a run began with. */
function basesOf({ inputs }: Manifest): string[] {
  return inputs.filter(({ kind }) => kind === 'model').map(({ path }) => resolve(path));
}

/** What annotators may see of a name: no paths and no addresses. */
function nameOf(spec: string): string {
  const provided = /^(openai|anthropic|openai-compatible):(.+?)(@https?:\/\/.*)?$/.exec(spec);
  if (provided) return provided[1] === 'openai-compatible' ? provided[2] : `${provided[1]}:${provided[2]}`;
  if (spec.startsWith('hub:')) return spec;
  return basename(resolve(spec.replace(/^local:/, '')));
}

/** Names told apart by a number where they are the same. */
function distinct(entries: readonly Entry[]): Entry[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const count = (seen.get(entry.name) ?? 0) + 1;
    seen.set(entry.name, count);
    return count === 1 ? entry : { ...entry, name: `${entry.name} (${count})` };
  });
}

function noModel(name: string): HttpError {
  return new HttpError('not-found', `There is no model "${name}" on the server.`);
}
