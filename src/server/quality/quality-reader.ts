/**
 * Asks how projects stand without holding up anybody who labels: what takes seconds on a large ledger is counted in a thread
 * of its own, and no more often than it is worth.
 */
import { startWorker, TenetError, WorkerCalls } from '../../base/index.ts';
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
  private readonly here: ProjectQuality;
  private calls: WorkerCalls<ToQuality> | null = null;
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
    this.closed = true;
    await this.calls?.close({ kind: 'close' });
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
    const calls = this.started();
    return calls.ask({ kind: 'ask', id: calls.nextId(), question });
  }

  /** The thread; another one where it has died. */
  private started(): WorkerCalls<ToQuality> {
    if (this.calls && (this.closed || !this.calls.isClosed)) return this.calls;
    const worker = startWorker(new URL('./quality-thread.ts', import.meta.url), {
      workerData: this.options.storeUrl,
    });
    const ended = (): Error => new TenetError('internal', 'The thread that counts labels has ended.');
    this.calls = new WorkerCalls<ToQuality>(worker, ended);
    return this.calls;
  }
}
