/** A run's metrics in MLflow, by its REST API: live, and the same MLflow run again when the run is resumed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError, writeFileAtomic } from '../../base/index.ts';
import type { ProgressDisplay, StageUpdate } from '../progress-display.ts';
import type { EventRecord } from '../records.ts';
import { MlflowClient, type MlflowMetric, type MlflowPair, type MlflowServer } from './mlflow-client.ts';

export interface MlflowOptions extends MlflowServer {
  /** Default: tenet. */
  readonly experiment?: string;
  readonly runName: string;
  /** Gets `mlflow.json`, which says which MLflow run it is. */
  readonly runFolder: string;
  /** Whether to go on with the MLflow run that the folder names. */
  readonly resume?: boolean;
  /** The recipe as resolved; its options become parameters such as `ppo.klCoef`. */
  readonly recipe: object;
  /** Told the address of the MLflow run, once there is one. */
  readonly onBegin?: (page: string) => void;
  /** Told once when metrics do not arrive, and again when they do. */
  readonly onTrouble?: (message: string) => void;
}

/** Metrics wait this long for others before they are sent. */
const gatherMs = 1000;
/** After a failure, until the next try. */
const pauseMs = 15_000;
const atOnce = 1000;

/**
 * Sends events as they come, in batches, and never holds the run up. What the server does not take while the run goes on is
 * kept in memory and sent later; whatever has not arrived at the end is in `events.jsonl` all the same.
 */
export class MlflowSink implements ProgressDisplay {
  private readonly client: MlflowClient;
  private readonly experimentId: string;
  private readonly options: MlflowOptions;
  private runId: string | null = null;
  private hasBegun = false;
  private readonly waiting: MlflowMetric[] = [];
  private status: 'FINISHED' | 'FAILED' | 'KILLED' = 'KILLED';
  private timer: NodeJS.Timeout | null = null;
  private sending: Promise<void> | null = null;
  private isFailing = false;
  private isClosed = false;

  private constructor(client: MlflowClient, experimentId: string, options: MlflowOptions) {
    this.client = client;
    this.experimentId = experimentId;
    this.options = options;
  }

  /**
   * Finds the experiment or makes it, so that a wrong address or password shows before anything is computed. The MLflow run
   * is made when the first stage begins.
   * @throws TenetError('provider' | 'usage')
   */
  static async open(options: MlflowOptions): Promise<MlflowSink> {
    const client = new MlflowClient({
      token: process.env.MLFLOW_TRACKING_TOKEN,
      user: process.env.MLFLOW_TRACKING_USERNAME,
      password: process.env.MLFLOW_TRACKING_PASSWORD,
      ...options,
    });
    return new MlflowSink(client, await client.experiment(options.experiment ?? 'tenet'), options);
  }

  event({ stage, step, time, metrics }: EventRecord): void {
    for (const [name, value] of Object.entries(metrics)) {
      if (value === null || !Number.isFinite(value)) continue;
      this.waiting.push({ key: `${stage}/${keyOf(name)}`, value, step, timestamp: Math.round(time) });
    }
    this.soon(gatherMs);
  }

  stage({ status, index, count }: StageUpdate): void {
    this.hasBegun = true; // so the run folder is this run's
    if (status === 'failed') this.status = 'FAILED';
    else if (status === 'interrupted') this.status = 'KILLED';
    else if (status !== 'running' && index === count - 1) this.status = 'FINISHED';
    this.soon(gatherMs);
  }

  progress(): void {}
  sample(): void {}
  warn(): void {}

  close(): void {
    this.isClosed = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  /** Sends what is left, and how the run ended. Never throws: what could not be sent is said through `onTrouble`. */
  async settle(): Promise<void> {
    this.close();
    await this.sending;
    if (!this.hasBegun) return;
    try {
      await this.client.updateRun(await this.send(), this.status, Date.now());
    } catch (error) {
      const left = this.waiting.length;
      const what =
        left > 0 ? `${left} values have not arrived there` : 'How the run ended has not arrived there';
      this.options.onTrouble?.(`${messageOf(error)} ${what}; events.jsonl has everything.`);
    }
  }

  private soon(delay: number): void {
    if (this.isClosed || this.timer || this.sending) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.sending = this.send()
        .then(
          () => this.recovered(),
          (error: unknown) => this.failed(error),
        )
        .finally(() => {
          this.sending = null;
          if (this.waiting.length > 0) this.soon(this.isFailing ? pauseMs : gatherMs);
        });
    }, delay);
    this.timer.unref();
  }

  /** @returns the id of the MLflow run */
  private async send(): Promise<string> {
    this.runId ??= await this.begin();
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, atOnce);
      await this.client.logMetrics(this.runId, batch);
      this.waiting.splice(0, batch.length); // only now that they are there
    }
    return this.runId;
  }

  private async begin(): Promise<string> {
    const { client, experimentId, options } = this;
    const { runFolder, runName, recipe, resume, onBegin } = options;
    const path = join(runFolder, 'mlflow.json');
    const known = resume ? await readNote(path) : null;
    const goesOn = known?.address === client.address && (await client.updateRun(known.runId, 'RUNNING'));
    const tags = [{ key: 'tenet.run_folder', value: runFolder }];
    const runId = goesOn ? known.runId : await client.createRun(experimentId, runName, tags);
    if (!goesOn) {
      await writeFileAtomic(path, `${JSON.stringify({ address: client.address, runId })}\n`);
      await client.logParams(runId, paramsOf(recipe));
    }
    onBegin?.(`${client.address}/#/experiments/${experimentId}/runs/${runId}`);
    return runId;
  }

  private failed(error: unknown): void {
    if (!this.isFailing) {
      this.options.onTrouble?.(
        `${messageOf(error)} The run goes on; its metrics are sent when MLflow takes them.`,
      );
    }
    this.isFailing = true;
  }

  private recovered(): void {
    if (this.isFailing) this.options.onTrouble?.(`MLflow at ${this.client.address} takes metrics again.`);
    this.isFailing = false;
  }
}

function messageOf(error: unknown): string {
  const message = (error as Error).message;
  return /[.?!]$/.test(message) ? message : `${message}.`;
}

/** What MLflow allows in a name: letters, digits and `_ - . / space`. */
function keyOf(name: string): string {
  return name.replace(/[^\p{L}\p{N}_\-./ ]/gu, '_');
}

/** The options of a recipe by name: `seed`, `ppo.klCoef`, `ppo.prompts.path`. */
export function paramsOf(recipe: object): MlflowPair[] {
  const { stages = [], ...others } = recipe as { stages?: readonly { name?: string; type: string }[] };
  return [
    ...pairsOf('', others),
    ...stages.flatMap(({ name, type, ...options }) =>
      pairsOf(`${keyOf(name ?? type)}.`, { type, ...options }),
    ),
  ];
}

function pairsOf(prefix: string, options: object): MlflowPair[] {
  return Object.entries(options).flatMap(([name, value]): MlflowPair[] => {
    const key = `${prefix}${keyOf(name)}`;
    if (value === undefined) return [];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return pairsOf(`${key}.`, value);
    return [{ key, value: typeof value === 'string' ? value : JSON.stringify(value) }];
  });
}

async function readNote(path: string): Promise<{ readonly address: string; readonly runId: string } | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TenetError(
      'usage',
      `${path} cannot be read: ${(error as Error).message}. Delete it to begin a new MLflow run.`,
      {
        cause: error,
      },
    );
  }
}
