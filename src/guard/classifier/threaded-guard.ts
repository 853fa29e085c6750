/** A guard's classifiers in a thread of their own, so that a server stays responsive while they compute. */
import { openWorkerCalls, TenetError, type WorkerCalls } from '../../base/index.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import type { ClassifierGuard } from './classifier-guard.ts';
import { type GuardFile, thresholdOf } from './guard-file.ts';
import type { GuardFacts, GuardJob, ToGuard } from './thread-protocol.ts';

export class ThreadedGuard implements ClassifierGuard {
  readonly name: string;
  readonly thresholds: GuardFacts['thresholds'];
  readonly file: GuardFile;
  private readonly calls: WorkerCalls<ToGuard>;
  private readonly answers: 'output' | 'exchange';

  private constructor(
    calls: WorkerCalls<ToGuard>,
    { name, thresholds, file }: GuardFacts,
    answers: 'output' | 'exchange',
  ) {
    this.calls = calls;
    this.name = name;
    this.thresholds = thresholds;
    this.file = file;
    this.answers = answers;
  }

  /** @throws as `openClassifierGuard` does */
  static async open(job: GuardJob, answers: 'output' | 'exchange'): Promise<ThreadedGuard> {
    const { calls, facts } = await openWorkerCalls<ToGuard, GuardFacts>(
      new URL('./guard-thread.ts', import.meta.url),
      {
        job,
        name: `The guard’s thread for ${job.folder}`,
        closedError: () => new TenetError('internal', 'The guard was closed while it was in use.'),
      },
    );
    return new ThreadedGuard(calls, facts, answers);
  }

  get isClosed(): boolean {
    return this.calls.isClosed;
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    if (signal?.aborted) throw new TenetError('interrupted', 'Screening was interrupted.');
    return this.calls.ask<Screening>({ kind: 'input', id: this.calls.nextId(), messages });
  }

  async openOutput(messages: readonly GuardMessage[]): Promise<OutputScreen> {
    const { calls } = this;
    const screen = calls.nextId();
    await calls.ask<null>({ kind: 'open', id: calls.nextId(), screen, messages });
    return {
      push: (text) => calls.ask<Screening>({ kind: 'push', id: calls.nextId(), screen, text }),
      end: () => calls.ask<Screening>({ kind: 'end', id: calls.nextId(), screen }),
      close: () => {
        if (!calls.isClosed) calls.send({ kind: 'forget', screen });
      },
    };
  }

  thresholdFor(what: 'input' | 'output', refusalRate: number): number {
    return thresholdOf(this.file, this.name, what === 'input' ? 'input' : this.answers, refusalRate);
  }

  close(): Promise<void> {
    return this.calls.close({ kind: 'close' });
  }
}
