/** Questions to a worker thread: each has a number, and what the thread says with that number answers it. */
import type { MessagePort, Worker } from 'node:worker_threads';
import { TenetError } from './error.ts';
import { receivedError, type SentError, sendableError } from './sent-error.ts';
import { startWorker } from './start-worker.ts';

/** How a thread answers. */
export type WorkerAnswer<Result> =
  | { readonly kind: 'done'; readonly id: number; readonly result: Result }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError };

/** What a thread says first that has something to prepare. */
export type WorkerGreeting<Facts> =
  | { readonly kind: 'ready'; readonly facts: Facts }
  | { readonly kind: 'unusable'; readonly error: SentError };

/** What a thread may say of a question before it answers. */
export interface WorkerNews {
  /** Neither `done` nor `failed`. */
  readonly kind: string;
  readonly id: number;
}

interface Pending<News> {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onNews?: (news: News) => void;
}

/** The side that asks. A thread that nobody waits for does not keep the process alive. */
export class WorkerCalls<Message, News extends WorkerNews = never> {
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly closedError: () => Error;
  private readonly pending = new Map<number, Pending<News>>();
  private lastId = 0;
  private closed = false;

  /** @param closedError what questions get that the thread can no longer answer */
  constructor(worker: Worker, closedError: () => Error) {
    this.worker = worker;
    this.closedError = closedError;
    this.ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (message: WorkerAnswer<never> | News) => this.take(message));
    worker.on('error', (error) => this.failAll(error));
    worker.on('exit', () => this.failAll(closedError()));
    worker.unref();
  }

  /** Questions without an answer so far. */
  get waiting(): number {
    return this.pending.size;
  }

  /** True: the thread takes no more questions. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** A number that nothing has yet. */
  nextId(): number {
    return this.lastId++;
  }

  /** @param onNews told what the thread says of this question before it answers */
  ask<Result>(question: Message & { readonly id: number }, onNews?: (news: News) => void): Promise<Result> {
    if (this.closed) return Promise.reject(this.closedError());
    return new Promise<Result>((resolve, reject) => {
      this.pending.set(question.id, { resolve, reject, onNews });
      this.worker.ref();
      this.send(question);
    });
  }

  /** Ends the wait for an answer; the thread is to be told by whoever drops the question. */
  drop(id: number, error: Error): void {
    this.settle(id)?.reject(error);
  }

  /** Says something that has no answer. */
  send(message: Message): void {
    this.worker.postMessage(message);
  }

  /**
   * Tells the thread to end, and waits for it. It ends by itself: ended from outside in the middle of a computation of ONNX
   * Runtime, it would take the process along.
   */
  async close(message: Message): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.worker.ref();
      this.send(message);
    }
    await this.ended;
  }

  private take(message: WorkerAnswer<never> | News): void {
    if (!isAnswer(message)) this.pending.get(message.id)?.onNews?.(message);
    else if (message.kind === 'done') this.settle(message.id)?.resolve(message.result);
    else this.settle(message.id)?.reject(receivedError(message.error));
  }

  /** Takes a question off the list. */
  private settle(id: number): Pending<News> | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0 && !this.closed) this.worker.unref();
    return pending;
  }

  private failAll(error: unknown): void {
    this.closed = true;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

function isAnswer(message: WorkerAnswer<never> | WorkerNews): message is WorkerAnswer<never> {
  return message.kind === 'done' || message.kind === 'failed';
}

/**
 * Starts a thread that has something to prepare, and waits until it is ready.
 * @param about.name what the thread is, in the error when it ends before it is ready
 * @throws what the thread could not be prepared for
 */
export async function openWorkerCalls<Message, Facts, News extends WorkerNews = never>(
  url: URL,
  about: { readonly job: unknown; readonly name: string; readonly closedError: () => Error },
): Promise<{ readonly calls: WorkerCalls<Message, News>; readonly facts: Facts }> {
  const worker = startWorker(url, { workerData: about.job });
  const facts = await new Promise<Facts>((resolve, reject) => {
    worker.once('message', (greeting: WorkerGreeting<Facts>) => {
      if (greeting.kind === 'ready') resolve(greeting.facts);
      else reject(receivedError(greeting.error));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new TenetError('internal', `${about.name} ended before it was ready.`)));
  });
  worker.removeAllListeners('error');
  return { calls: new WorkerCalls<Message, News>(worker, about.closedError), facts };
}

/** The side that answers: does the work and sends what came of it. */
export async function answerCall(port: MessagePort, id: number, work: () => Promise<unknown>): Promise<void> {
  try {
    port.postMessage({ kind: 'done', id, result: await work() } satisfies WorkerAnswer<unknown>);
  } catch (error) {
    port.postMessage({ kind: 'failed', id, error: sendableError(error) } satisfies WorkerAnswer<unknown>);
  }
}
