/** Starts, stops and resumes recipes as processes of their own, which outlive the server. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runningProcess } from '../../run/index.ts';
import { HttpError } from '../http/http-error.ts';
import { plainName, type RunsFolder } from './runs-folder.ts';

export interface RunStarterOptions {
  readonly runs: RunsFolder;
  /** The program and first arguments of Tenet's command line. */
  readonly command: readonly string[];
  /** Folders whose recipes may be started; of two with one name the first counts. */
  readonly recipeFolders: readonly string[];
}

export interface RecipeFile {
  readonly name: string;
  readonly path: string;
}

/** How long a start may take until the run has its folder. */
const startMs = 60_000;

export class RunStarter {
  private readonly options: RunStarterOptions;
  /** Names of runs that are being started: their folders are not there yet. */
  private readonly starting = new Set<string>();

  constructor(options: RunStarterOptions) {
    this.options = options;
  }

  async recipes(): Promise<RecipeFile[]> {
    const found = new Map<string, RecipeFile>();
    for (const folder of this.options.recipeFolders) {
      const names = await readdir(folder).catch(() => [] as string[]);
      for (const name of names.sort()) {
        if (/\.ya?ml$/.test(name) && !found.has(name)) found.set(name, { name, path: resolve(folder, name) });
      }
    }
    return [...found.values()];
  }

  /**
   * Starts a recipe, and returns when the run has its folder.
   * @param options.set overrides, `ppo.klCoef=0.1`
   * @throws HttpError with what the command line says when it refuses
   */
  async start(options: {
    readonly recipe: string;
    readonly name: string;
    readonly set?: readonly string[];
  }): Promise<void> {
    const { name, set = [] } = options;
    if (!plainName.test(name)) {
      throw new HttpError(
        'invalid',
        'A run’s name has letters, digits, ".", "_" and "-", and begins with a letter or digit.',
      );
    }
    await this.alone(name, async () => {
      const folder = join(this.options.runs.path, name);
      if (existsSync(folder)) {
        throw new HttpError('conflict', `There is a folder "${name}" already: choose another name.`);
      }
      const recipe = (await this.recipes()).find((file) => file.name === options.recipe);
      if (!recipe) throw new HttpError('not-found', `There is no recipe "${options.recipe}".`);
      await this.launch(name, [
        'run',
        recipe.path,
        '--output',
        folder,
        ...set.flatMap((one) => ['--set', one]),
      ]);
    });
  }

  /** Goes on with a run that was stopped, from the recipe as it began. */
  async resume(name: string): Promise<void> {
    const folder = await this.options.runs.folderOf(name);
    await this.alone(name, async () => {
      if (runningProcess(folder)) throw new HttpError('conflict', `Run "${name}" is running.`);
      await this.launch(name, ['run', join(folder, 'recipe.yaml'), '--output', folder, '--resume']);
    });
  }

  /** Asks a run to save and stop, as Ctrl-C does; it takes until the step is done. */
  async stop(name: string): Promise<void> {
    const holder = runningProcess(await this.options.runs.folderOf(name));
    if (!holder) throw new HttpError('conflict', `Run "${name}" is not running.`);
    if (holder.host !== hostname()) {
      throw new HttpError('conflict', `Run "${name}" runs on ${holder.host}; stop it there.`);
    }
    process.kill(holder.pid, 'SIGINT');
  }

  /** Somebody else who asks for the same run meanwhile would take this one for theirs. */
  private async alone(name: string, start: () => Promise<void>): Promise<void> {
    if (this.starting.has(name)) {
      throw new HttpError('conflict', `Run "${name}" is being started by somebody else just now.`);
    }
    this.starting.add(name);
    try {
      await start();
    } finally {
      this.starting.delete(name);
    }
  }

  private async launch(name: string, args: readonly string[]): Promise<void> {
    const [program, ...first] = this.options.command;
    // Where people look for what a run printed; names that begin with a dot are not runs.
    const logs = join(this.options.runs.path, '.logs');
    mkdirSync(logs, { recursive: true });
    const logPath = join(logs, `${name}.log`);
    const log = openSync(logPath, 'a');
    const from = (await stat(logPath)).size;
    const child = spawn(program, [...first, ...args], { stdio: ['ignore', log, log], detached: true });
    child.unref();
    closeSync(log); // the child has its own
    let exit: number | null | undefined;
    let failure: Error | undefined;
    child.once('exit', (code) => {
      exit = code;
    });
    child.once('error', (error) => {
      failure = error;
    });
    const folder = join(this.options.runs.path, name);
    for (const deadline = Date.now() + startMs; Date.now() < deadline; await sleep(50)) {
      if (failure) throw failure;
      if (exit !== undefined && exit !== 0) {
        throw new HttpError(
          'invalid',
          (await textFrom(logPath, from)).trim() || `The run ended at once (code ${exit}).`,
        );
      }
      // The lock comes first, then the manifest: only with both is it a run.
      if (exit === 0 || (runningProcess(folder) && existsSync(join(folder, 'manifest.json')))) return;
    }
    throw new HttpError(
      'unavailable',
      `Run "${name}" has not begun after ${startMs / 1000} seconds; ${logPath} says what it does.`,
    );
  }
}

async function textFrom(path: string, from: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - 4000);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
