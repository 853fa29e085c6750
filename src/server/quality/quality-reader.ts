/**
 * Asks how projects stand without holding up anybody who labels: what takes seconds on a large ledger is counted in a thread
 * of its own, and no more often than it is worth.
 */
import type { Worker } from 'node:worker_threads';
import { receivedError, type SentError, startWorker, TenetError } from '../../base/index.ts';
import type { SliceName } from '../../feedback/index.ts';
import type { Store } from '../../store/index.ts';
import {
  type AgreementSlice,
  type Disagreement,
  type ProjectOverview,
  ProjectQuality,
  type SliceChoice,
  type TaskOpinions,
} from './project-quality.ts';

type Counting = Pick<ProjectQuality, 'overview' | 'slices' | 'disagreements' | 'task'>;

export type QualityQuestion = {
  [Method in keyof Counting]: { readonly method: Method; readonly args: Parameters<Counting[Method]> };
}[keyof Counting];

export type ToQuality =
  | { readonly kind: 'ask'; readonly id: number; readonly question: QualityQuestion }
  | { readonly kind: 'close' };
export type FromQuality =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError };

interface Counted {
  readonly at: number;
  readonly tookMs: number;
  readonly value: Promise<unknown>;
}

export interface QualityReaderOptions {
  readonly store: Store;
  /** Address of the store for the thread; null counts here, as a store in memory needs. */
  readonly storeUrl: string | null;
  /** An answer is given again for so long, and for ten times as long as it took. Default 2000. */
  readonly freshMs?: number;
}

const defaultFreshMs = 2000;
const patience = 10;
/** Answers kept, those of slices included. */
const mostKept = 100;

export class QualityReader implements Counting {
  private readonly options: QualityReaderOptions;
  private readonly kept = new Map<string, Counted>();
  private readonly pending = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }
  >();
  private readonly here: ProjectQuality;
  private thread: Worker | null = null;
  private nextId = 0;
  private closed = false;

  constructor(options: QualityReaderOptions) {
    this.options = options;
    this.here = new ProjectQuality(options.store);
  }

  overview(project: string): Promise<ProjectOverview> {
    return this.fresh({ method: 'overview', args: [project] }) as Promise<ProjectOverview>;
  }

  slices(project: string, by: SliceName): Promise<AgreementSlice[]> {
    return this.fresh({ method: 'slices', args: [project, by] }) as Promise<AgreementSlice[]>;
  }

  disagreements(project: string, choice?: SliceChoice): Promise<Disagreement[]> {
    return this.fresh({ method: 'disagreements', args: [project, choice] }) as Promise<Disagreement[]>;
  }

  /** Read here and now: one task is quick. */
  task(project: string, taskId: string): Promise<TaskOpinions> {
    return this.here.task(project, taskId);
  }

  async close(): Promise<void> {
    const { thread } = this;
    this.closed = true;
    if (!thread) return;
    thread.ref();
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.postMessage({ kind: 'close' } satisfies ToQuality);
    await ended;
  }

  private async fresh(question: QualityQuestion): Promise<unknown> {
    const key = JSON.stringify(question);
    const { freshMs = defaultFreshMs } = this.options;
    const known = this.kept.get(key);
    if (known && Date.now() - known.at < Math.max(freshMs, patience * known.tookMs)) return known.value;
    const at = Date.now();
    const value = this.ask(question);
    // Until it is there, everybody who asks waits for the same.
    this.kept.set(key, { at, tookMs: Number.POSITIVE_INFINITY, value });
    value.then(
      () => this.keep(key, { at: Date.now(), tookMs: freshMs === 0 ? 0 : Date.now() - at, value }),
      () => this.kept.delete(key),
    );
    return value;
  }

  private keep(key: string, counted: Counted): void {
    this.kept.delete(key);
    this.kept.set(key, counted);
    if (this.kept.size > mostKept) this.kept.delete(this.kept.keys().next().value!);
  }

  private ask(question: QualityQuestion): Promise<unknown> {
    if (this.options.storeUrl === null) {
      const { method, args } = question;
      return (this.here[method] as (...given: readonly unknown[]) => Promise<unknown>).apply(this.here, args);
    }
    const thread = this.started();
    const id = this.nextId++;
    thread.ref();
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      thread.postMessage({ kind: 'ask', id, question } satisfies ToQuality);
    });
  }

  private started(): Worker {
    if (this.thread) return this.thread;
    const thread = startWorker(new URL('./quality-thread.ts', import.meta.url), {
      workerData: this.options.storeUrl,
    });
    thread.on('message', (answer: FromQuality) => {
      const asked = this.pending.get(answer.id);
      this.pending.delete(answer.id);
      if ('error' in answer) asked?.reject(receivedError(answer.error));
      else asked?.resolve(answer.value);
      // A thread that nobody waits for does not keep the process alive.
      if (this.pending.size === 0 && !this.closed) thread.unref();
    });
    const fail = (error: unknown): void => {
      this.thread = null;
      for (const { reject } of this.pending.values()) reject(error);
      this.pending.clear();
    };
    thread.on('error', fail);
    thread.on('exit', () => fail(new TenetError('internal', 'The thread that counts labels has ended.')));
    this.thread = thread;
    return thread;
  }
}
