/** A guard's classifiers in a thread of their own, so that a server stays responsive while they compute. */
import type { Worker } from 'node:worker_threads';
import { receivedError, startWorker, TenetError } from '../../base/index.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import type { ClassifierGuard } from './classifier-guard.ts';
import { type GuardFile, thresholdOf } from './guard-file.ts';
import type { FromGuard, GuardFacts, GuardJob, ToGuard } from './thread-protocol.ts';

interface Pending {
  readonly resolve: (result: Screening | null) => void;
  readonly reject: (error: unknown) => void;
}

export class ThreadedGuard implements ClassifierGuard {
  readonly name: string;
  readonly thresholds: GuardFacts['thresholds'];
  readonly file: GuardFile;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly answers: 'output' | 'exchange';
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private closed = false;

  private constructor(
    worker: Worker,
    ended: Promise<void>,
    { name, thresholds, file }: GuardFacts,
    answers: 'output' | 'exchange',
  ) {
    this.worker = worker;
    this.ended = ended;
    this.name = name;
    this.thresholds = thresholds;
    this.file = file;
    this.answers = answers;
    worker.on('message', (message: FromGuard) => this.take(message));
    worker.on('error', (error) => this.failAll(error));
    worker.on('exit', () => this.failAll(closedError()));
    worker.unref(); // a guard that nobody waits for does not keep the process alive
  }

  /** @throws as `openClassifierGuard` does */
  static async open(job: GuardJob, answers: 'output' | 'exchange'): Promise<ThreadedGuard> {
    const worker = startWorker(new URL('./guard-thread.ts', import.meta.url), { workerData: job });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const facts = await new Promise<GuardFacts>((resolve, reject) => {
      worker.once('message', (message: FromGuard) => {
        if (message.kind === 'ready') resolve(message.facts);
        else if (message.kind === 'unusable') reject(receivedError(message.error));
      });
      worker.once('error', reject);
      worker.once('exit', () =>
        reject(new TenetError('internal', `The guard’s thread for ${job.folder} ended before it was ready.`)),
      );
    });
    worker.removeAllListeners('error');
    return new ThreadedGuard(worker, ended, facts, answers);
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    if (signal?.aborted) throw new TenetError('interrupted', 'Screening was interrupted.');
    return this.screening((id) => ({ kind: 'input', id, messages }));
  }

  async openOutput(messages: readonly GuardMessage[]): Promise<OutputScreen> {
    const screen = this.nextId++;
    await this.ask((id) => ({ kind: 'open', id, screen, messages }));
    return {
      push: (text) => this.screening((id) => ({ kind: 'push', id, screen, text })),
      end: () => this.screening((id) => ({ kind: 'end', id, screen })),
      close: () => {
        if (!this.closed) this.send({ kind: 'forget', screen });
      },
    };
  }

  thresholdFor(what: 'input' | 'output', refusalRate: number): number {
    return thresholdOf(this.file, this.name, what === 'input' ? 'input' : this.answers, refusalRate);
  }

  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.worker.ref();
      this.send({ kind: 'close' });
    }
    await this.ended;
  }

  private async screening(message: (id: number) => ToGuard): Promise<Screening> {
    return (await this.ask(message))!;
  }

  private ask(message: (id: number) => ToGuard): Promise<Screening | null> {
    if (this.closed) return Promise.reject(closedError());
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.worker.ref();
      this.send(message(id));
    });
  }

  private send(message: ToGuard): void {
    this.worker.postMessage(message);
  }

  private take(message: FromGuard): void {
    if (message.kind !== 'done' && message.kind !== 'failed') return;
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (this.pending.size === 0 && !this.closed) this.worker.unref();
    if (message.kind === 'done') pending?.resolve(message.result);
    else pending?.reject(receivedError(message.error));
  }

  private failAll(error: unknown): void {
    this.closed = true;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

function closedError(): TenetError {
  return new TenetError('internal', 'The guard was closed while it was in use.');
}
